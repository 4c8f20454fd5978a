import { decodeImage } from './decode.js';
import { encodeImage } from './encode.js';
import { errorOf } from './fabricate.test.util.js';

test.each([1, 3, 4])('%i channels are read back unchanged', async (channels) => {
  const data = Uint8Array.from({ length: 3 * 2 * channels }, (_, index) =>
    channels === 4 && index % 4 === 3 ? 255 : (index * 41) % 256,
  );
  const png = await encodeImage({ data, width: 3, height: 2, channels });
  expect(png).toBeInstanceOf(Uint8Array);
  // Color type in IHDR: gray, RGB, RGBA.
  expect(png[25]).toBe({ 1: 0, 3: 2, 4: 6 }[channels]);
  const pixels = [...Array(6).keys()];
  const wanted = pixels.flatMap((pixel) =>
    [0, 1, 2].map((channel) => data[pixel * channels + (channels === 1 ? 0 : channel)]!),
  );
  expect(await decodeImage(png)).toEqual({ width: 3, height: 2, channels: 3, data: Uint8Array.from(wanted) });
});

test('throws when the buffer does not match its declared shape', async () => {
  const two = await errorOf(encodeImage({ data: new Uint8Array(2), width: 1, height: 1, channels: 2 }));
  expect(two.message).toContain('a PNG takes 1, 3 or 4');
  const short = await errorOf(encodeImage({ data: new Uint8Array(2), width: 1, height: 1, channels: 3 }));
  expect(short.code).toBe('invalid-argument');
});

test.each([1, 3, 4])('%i channels as WebP are nearly unchanged, in fewer bytes', async (channels) => {
  const data = Uint8Array.from({ length: 64 * 64 * channels }, (_, index) =>
    channels === 4 && index % 4 === 3 ? 255 : 60 + Math.floor(index / channels / 64) * 2,
  );
  const pixels = { data, width: 64, height: 64, channels };
  const webp = await encodeImage(pixels, { format: 'webp' });
  expect(webp.length).toBeLessThan(data.length / 10);
  const { data: back, ...size } = await decodeImage(webp);
  expect(size).toEqual({ width: 64, height: 64, channels: 3 });
  back.forEach((value, index) =>
    expect(Math.abs(value - data[Math.floor(index / 3) * channels]!)).toBeLessThan(8),
  );
});

test('a lower WebP quality takes fewer bytes', async () => {
  const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 41) % 251);
  const bytes = async (quality: number): Promise<number> =>
    (await encodeImage({ data, width: 64, height: 64, channels: 3 }, { format: 'webp', quality })).length;
  expect(await bytes(20)).toBeLessThan(await bytes(95));
});
