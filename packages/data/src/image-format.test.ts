import fc from 'fast-check';
import sharp from 'sharp';
import { isComplete, jpegColors, sniffFormat } from './image-format.js';

const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 31) % 251);
const image = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });

describe.each(['png', 'jpeg', 'webp'] as const)('%s', (format) => {
  test('is complete when nothing is cut off, even with bytes after its end', async () => {
    const file = await image.clone().toFormat(format).toBuffer();
    expect(sniffFormat(file)).toBe(format);
    for (let length = 0; length < file.length; length++) {
      expect(isComplete(format, file.subarray(0, length))).toBe(false);
    }
    expect(isComplete(format, file)).toBe(true);
    expect(isComplete(format, Buffer.concat([file, Buffer.from('trailer')]))).toBe(true);
  });
});

test('the end of an embedded thumbnail is not taken for the end of the JPEG', async () => {
  const file = await image.clone().jpeg().toBuffer();
  const thumbnail = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 2 + thumbnail.length]), thumbnail]);
  const whole = Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
  expect(isComplete('jpeg', whole)).toBe(true);
  expect(isComplete('jpeg', whole.subarray(0, whole.length - 2))).toBe(false);
  expect(isComplete('jpeg', whole.subarray(0, 2 + segment.length))).toBe(false);
});

test('reads the number of color components of a JPEG', async () => {
  const colors = async (space: string): Promise<number | undefined> =>
    jpegColors(await image.clone().toColourspace(space).jpeg().toBuffer());
  expect([await colors('b-w'), await colors('srgb'), await colors('cmyk')]).toEqual([1, 3, 4]);
  expect(jpegColors(await image.clone().jpeg({ progressive: true }).toBuffer())).toBe(3);
  expect(jpegColors(Buffer.from([0xff, 0xd8, 0xff, 0xd9]))).toBeUndefined();
});

test('terminates and throws nothing for arbitrary bytes', () => {
  const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0xff, 0xd8, 0xc0));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 200 }), (values) => {
      const bytes = Uint8Array.from(values);
      sniffFormat(bytes);
      jpegColors(bytes);
      for (const format of ['png', 'jpeg', 'webp']) expect(typeof isComplete(format, bytes)).toBe('boolean');
    }),
  );
});
