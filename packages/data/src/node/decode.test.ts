import sharp from 'sharp';
import type { PixelBuffer } from '@dskd/base';
import { decodeMask, inspectMask } from './decode-mask.js';
import { decodeImage, inspectImage } from './decode.js';
import { errorOf, makePng, makeTiff, plainPng, temporaryFolder } from './fabricate.test.util.js';

const raw = (data: readonly number[], width: number, channels: 1 | 3 | 4): ReturnType<typeof sharp> =>
  sharp(Uint8Array.from(data), { raw: { width, height: data.length / width / channels, channels } });

/** A 16 x 16 image with smooth gradients, so that lossy compression changes it little. */
const slope = Array.from({ length: 256 }, (_, index) => {
  const [x, y] = [index % 16, index >> 4];
  return [40 + x * 10, 200 - y * 8, 60 + (x + y) * 4];
}).flat();

/** Maps pixel (x, y) of the upright image to its position in a stored image of width x height, by orientation. */
const UPRIGHT: Readonly<
  Record<number, (x: number, y: number, width: number, height: number) => readonly [number, number]>
> = {
  1: (x, y) => [x, y],
  2: (x, y, width) => [width - 1 - x, y],
  3: (x, y, width, height) => [width - 1 - x, height - 1 - y],
  4: (x, y, _, height) => [x, height - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, height) => [y, height - 1 - x],
  7: (x, y, width, height) => [width - 1 - y, height - 1 - x],
  8: (x, y, width) => [width - 1 - y, x],
};

function upright({ data, width, height, channels }: PixelBuffer, orientation: number): PixelBuffer {
  const [outWidth, outHeight] = orientation > 4 ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [fromX, fromY] = UPRIGHT[orientation]!(x, y, width, height);
      for (let c = 0; c < channels; c++) {
        turned[(y * outWidth + x) * channels + c] = data[(fromY * width + fromX) * channels + c]!;
      }
    }
  }
  return { data: turned, width: outWidth, height: outHeight, channels };
}

describe('EXIF orientation', () => {
  const width = 5;
  const pixels = Array.from({ length: width * 3 * 3 }, (_, index) => (index * 37) % 256);

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i, TIFF', async (orientation) => {
    const page = { width: 2, height: 2, bits: 8, samples: 1, values: [1, 2, 3, 4] } as const;
    const stored = await decodeImage(makeTiff([page]));
    expect([...stored.data]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    expect(await decodeImage(makeTiff([{ ...page, orientation }]))).toEqual(upright(stored, orientation));
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i, PNG, JPEG and WebP', async (orientation) => {
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const encode = (value: number): Promise<Buffer> =>
        raw(pixels, width, 3)
          .withMetadata({ orientation: value })
          .toFormat(format, { quality: 90, lossless: true })
          .toBuffer();
      const file = await encode(orientation);
      expect((await sharp(file).metadata()).orientation).toBe(orientation);
      const stored = await decodeImage(await encode(1));
      const wanted = upright(stored, orientation);
      expect(await decodeImage(file)).toEqual(wanted);
      expect(await inspectImage(file)).toEqual({ width: wanted.width, height: wanted.height });
    }
  });

  test('is applied to masks', async () => {
    const file = await raw([0, 9, 0, 0, 0, 0], 3, 1)
      .toColourspace('b-w')
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await decodeMask(file)).toEqual({
      width: 2,
      height: 3,
      channels: 1,
      data: Uint8Array.of(0, 0, 0, 255, 0, 0),
    });
  });
});

describe('decodeMask', () => {
  const mask = async (bytes: Buffer): Promise<number[]> => [...(await decodeMask(bytes)).data];

  test('every color except black is anomalous, in 8 and 16 bits, gray and color', async () => {
    const options = { width: 3, height: 1 } as const;
    expect(await mask(makePng({ ...options, colorType: 0, bitDepth: 8, rows: [[0, 1, 255]] }))).toEqual([
      0, 255, 255,
    ]);
    expect(await mask(makePng({ ...options, colorType: 0, bitDepth: 16, rows: [[0, 1, 256]] }))).toEqual([
      0, 255, 255,
    ]);
    expect(
      await mask(makePng({ ...options, colorType: 2, bitDepth: 8, rows: [[0, 0, 0, 0, 0, 1, 1, 0, 0]] })),
    ).toEqual([0, 255, 255]);
  });

  test('a fully transparent pixel is not anomalous', async () => {
    const rows = [[255, 0, 255, 1]];
    expect(await mask(makePng({ width: 2, height: 1, colorType: 4, bitDepth: 8, rows }))).toEqual([0, 255]);
    expect(await mask(makePng({ width: 2, height: 1, colorType: 4, bitDepth: 16, rows }))).toEqual([0, 255]);
  });
});

describe('inspectMask', () => {
  const gray = (values: readonly number[]): Buffer =>
    makePng({ width: values.length, height: 1, colorType: 0, bitDepth: 8, rows: [values] });

  test('counts marked pixels, in 8 and 16 bits', async () => {
    expect(await inspectMask(gray([0, 1, 255, 0, 0]))).toEqual({ width: 5, height: 1, marked: 2 });
    const deep = makePng({ width: 3, height: 1, colorType: 0, bitDepth: 16, rows: [[0, 1, 256]] });
    expect(await inspectMask(deep)).toEqual({ width: 3, height: 1, marked: 2 });
  });

  test('accepts defect numbers and blurred edges, but not photographs', async () => {
    const numbers = Array.from({ length: 160 }, (_, index) => index % 16);
    expect((await inspectMask(gray(numbers))).marked).toBe(150);
    const edge = [
      ...Array<number>(200).fill(0),
      ...Array.from({ length: 30 }, (_, i) => 8 * i + 8),
      ...Array<number>(170).fill(255),
    ];
    expect((await inspectMask(gray(edge))).marked).toBe(200);
    const photograph = Array.from({ length: 200 }, (_, index) => (index * 37) % 256);
    expect((await errorOf(inspectMask(gray(photograph)))).message).toContain(
      'as many different values as a photograph',
    );
  });

  test('refuses JPEG', async () => {
    const jpeg = await raw(Array<number>(64).fill(255), 8, 1).jpeg().toBuffer();
    expect((await errorOf(inspectMask(jpeg, { name: 'a.jpg' }))).message).toBe(
      'a.jpg: a mask must be stored without loss (PNG, TIFF, WebP), not as JPEG.',
    );
  });
});

describe('unreadable files', () => {
  const noise = Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 31) % 251);

  test.each(['png', 'jpeg', 'webp', 'tiff'] as const)(
    'a %s truncated at any position is refused',
    async (format) => {
      const file = await raw(noise, 64, 3).toFormat(format).toBuffer();
      for (const share of [0.3, 0.6, 0.95]) {
        const cut = file.subarray(0, Math.floor(file.length * share));
        expect((await errorOf(decodeImage(cut))).code).toBe('image-unreadable');
        expect((await errorOf(inspectImage(cut))).code).toBe('image-unreadable');
      }
      expect(await inspectImage(file)).toMatchObject({ width: 64, height: 64 });
    },
  );

  test('bytes after the image are ignored', async () => {
    const file = await raw(noise, 64, 3).jpeg().toBuffer();
    const longer = Buffer.concat([file, Buffer.from('trailer')]);
    expect(await inspectImage(longer)).toEqual({ width: 64, height: 64 });
    expect(await decodeImage(longer)).toEqual(await decodeImage(file));
  });

  test('a wrong extension does not matter', async () => {
    const folder = await temporaryFolder();
    try {
      const jpeg = await raw(slope, 16, 3).jpeg().toBuffer();
      await folder.write({ 'a.png': jpeg });
      expect(await decodeImage(`${folder.root}/a.png`)).toEqual(await decodeImage(jpeg));
    } finally {
      await folder.remove();
    }
  });

  test('damage in the middle is found with `thorough`', async () => {
    const file = Buffer.from(await raw(noise, 64, 3).png().toBuffer());
    file.fill(0, file.length >> 1, (file.length >> 1) + 16);
    expect(await inspectImage(file)).toEqual({ width: 64, height: 64 });
    expect((await errorOf(inspectImage(file, { thorough: true }))).code).toBe('image-unreadable');
  });

  test('errors name the file', async () => {
    const folder = await temporaryFolder();
    try {
      await folder.write({ 'empty.png': '', 'folder.png': undefined });
      const missing = await errorOf(decodeImage(`${folder.root}/none.png`));
      expect(missing.code).toBe('file-not-found');
      expect(missing.message).toContain(`${folder.root}/none.png`);
      expect((await errorOf(decodeImage(`${folder.root}/empty.png`))).message).toContain('the file is empty');
      const folderError = await errorOf(decodeImage(`${folder.root}/folder.png`));
      expect(folderError.code).toBe('image-unreadable');
      expect(folderError.message).toBe(`${folder.root}/folder.png: it is a folder.`);
    } finally {
      await folder.remove();
    }
  });

  test('an image with more pixels than are wanted is refused', async () => {
    const png = plainPng(6, 5, [10, 20, 30]);
    expect((await decodeImage(png, { maxPixels: 30 })).width).toBe(6);
    await expect(decodeImage(png, { maxPixels: 29 })).rejects.toMatchObject({
      code: 'image-unreadable',
      message: expect.stringContaining('it is 6 x 5; at most 29 pixels are read') as string,
    });
  });

  test('a file replaced under the same name is read again', async () => {
    const folder = await temporaryFolder();
    try {
      await folder.write({ 'a.png': plainPng(1, 1, [1, 2, 3]) });
      await decodeImage(`${folder.root}/a.png`);
      await folder.write({ 'a.png': plainPng(1, 1, [4, 5, 6]) });
      expect([...(await decodeImage(`${folder.root}/a.png`)).data]).toEqual([4, 5, 6]);
    } finally {
      await folder.remove();
    }
  });
});
