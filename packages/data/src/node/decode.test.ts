import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { PixelBuffer } from '@dskd/base';
import { decodeImage, decodeMask, inspectImage } from './decode.js';
import { errorOf, makePng, plainPng, temporaryFolder } from './fabricate.test.util.js';

interface MatrixRow {
  readonly file: string;
  readonly becomes: string;
  readonly bytes: () => Buffer | Promise<Buffer>;
  /** Exact RGB bytes, or how far each may be off, or the words of the refusal. */
  readonly wanted: readonly number[] | { readonly near: readonly number[]; readonly by: number } | RegExp;
}

const raw = (data: readonly number[], width: number, channels: 1 | 3 | 4): ReturnType<typeof sharp> =>
  sharp(Uint8Array.from(data), { raw: { width, height: data.length / width / channels, channels } });
const palette = ['PLTE', Uint8Array.of(10, 20, 30, 40, 50, 60)] as const;
const flat = (colour: readonly number[], pixels: number): number[] =>
  Array.from({ length: pixels }, () => colour).flat();
const red = [200, 40, 30];

async function displayP3(): Promise<Uint8Array> {
  const tagged = await raw(red, 1, 3).withIccProfile('p3').png().toBuffer();
  const { icc } = await sharp(tagged).metadata();
  return Buffer.concat([Buffer.from('p3\0\0', 'latin1'), deflateSync(icc!)]);
}
const withProfile = async (): Promise<Buffer> =>
  makePng({
    width: 1,
    height: 1,
    colourType: 2,
    bitDepth: 8,
    rows: [red],
    chunks: [['iCCP', await displayP3()]],
  });

/** A grey TIFF of one pixel, 32-bit floating point. */
function floatTiff(): Buffer {
  const tags = [
    [256, 1], // width
    [257, 1], // height
    [258, 32], // bits per sample
    [259, 1], // no compression
    [262, 1], // black is zero
    [273, 8], // where the pixels are
    [277, 1], // samples per pixel
    [278, 1], // rows per strip
    [279, 4], // bytes of the strip
    [339, 3], // sample format: floating point
  ] as const;
  const file = Buffer.alloc(12 + 2 + tags.length * 12 + 4);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(12, 4);
  file.writeFloatLE(0.5, 8);
  file.writeUInt16LE(tags.length, 12);
  for (const [index, [tag, value]] of tags.entries()) {
    const at = 14 + index * 12;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(4, at + 2);
    file.writeUInt32LE(1, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  return file;
}

/** The truth behind the table in the README. */
const MATRIX: readonly MatrixRow[] = [
  {
    file: 'PNG, RGB, 8 bits',
    becomes: 'the same bytes',
    bytes: () => makePng({ width: 2, height: 1, colourType: 2, bitDepth: 8, rows: [[1, 2, 3, 254, 255, 0]] }),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'PNG, grey, 8 bits',
    becomes: 'three equal channels',
    bytes: () => makePng({ width: 2, height: 1, colourType: 0, bitDepth: 8, rows: [[7, 200]] }),
    wanted: [7, 7, 7, 200, 200, 200],
  },
  {
    file: 'PNG, grey, 1 bit',
    becomes: '0 or 255 in three channels',
    bytes: () => makePng({ width: 2, height: 1, colourType: 0, bitDepth: 1, rows: [[0b01000000]] }),
    wanted: [0, 0, 0, 255, 255, 255],
  },
  {
    file: 'PNG, grey, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () =>
      makePng({ width: 5, height: 1, colourType: 0, bitDepth: 16, rows: [[255, 256, 511, 0x80ff, 65535]] }),
    wanted: flat([0], 3).concat(flat([1], 6), flat([128], 3), flat([255], 3)),
  },
  {
    file: 'PNG, RGB, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () =>
      makePng({ width: 1, height: 1, colourType: 2, bitDepth: 16, rows: [[0x12ff, 0xabcd, 0x00ff]] }),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'PNG, palette',
    becomes: "the palette's colours",
    bytes: () =>
      makePng({ width: 2, height: 1, colourType: 3, bitDepth: 8, rows: [[1, 0]], chunks: [palette] }),
    wanted: [40, 50, 60, 10, 20, 30],
  },
  {
    file: 'PNG, palette with transparency',
    becomes: 'composited over black',
    bytes: () =>
      makePng({
        width: 2,
        height: 1,
        colourType: 3,
        bitDepth: 8,
        rows: [[1, 0]],
        chunks: [palette, ['tRNS', Uint8Array.of(0)]],
      }),
    wanted: [40, 50, 60, 0, 0, 0],
  },
  {
    file: 'PNG, RGB + alpha, 8 bits',
    becomes: 'composited over black',
    bytes: () =>
      makePng({
        width: 3,
        height: 1,
        colourType: 6,
        bitDepth: 8,
        rows: [[9, 8, 7, 255, 200, 100, 51, 128, 255, 255, 255, 0]],
      }),
    wanted: [9, 8, 7, 100, 50, 26, 0, 0, 0],
  },
  {
    file: 'PNG, grey + alpha, 8 bits',
    becomes: 'composited over black, three equal channels',
    bytes: () => makePng({ width: 2, height: 1, colourType: 4, bitDepth: 8, rows: [[200, 128, 200, 255]] }),
    wanted: [100, 100, 100, 200, 200, 200],
  },
  {
    file: 'PNG, RGB + alpha, 16 bits',
    becomes: 'the upper 8 bits, composited over black',
    bytes: () =>
      makePng({
        width: 1,
        height: 1,
        colourType: 6,
        bitDepth: 16,
        rows: [[0xc8ff, 0x6400, 0x3300, 0x80ff]],
      }),
    wanted: [100, 50, 26],
  },
  {
    file: 'PNG with an ICC profile (Display P3)',
    becomes: 'the same bytes: the profile is ignored',
    bytes: withProfile,
    wanted: red,
  },
  {
    file: 'JPEG, colour',
    becomes: 'RGB, as libjpeg-turbo decodes it',
    bytes: () => raw(flat(red, 64), 8, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
    wanted: { near: flat(red, 64), by: 1 },
  },
  {
    file: 'JPEG, grey',
    becomes: 'three equal channels',
    bytes: () =>
      raw(flat([77], 64), 8, 1)
        .toColourspace('b-w')
        .jpeg({ quality: 100 })
        .toBuffer(),
    wanted: flat([77, 77, 77], 64),
  },
  {
    file: 'JPEG, CMYK',
    becomes: 'sRGB, through its profile or a default one',
    bytes: () =>
      raw(flat([120, 110, 100], 64), 8, 3)
        .toColourspace('cmyk')
        .jpeg({ quality: 100 })
        .toBuffer(),
    // CMYK and back loses some; conversion without any profile would be 29 off.
    wanted: { near: flat([120, 110, 100], 64), by: 10 },
  },
  {
    file: 'WebP, lossless',
    becomes: 'the same bytes',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).webp({ lossless: true }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'TIFF, RGB, 8 bits',
    becomes: 'the same bytes',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).tiff({ compression: 'lzw' }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'TIFF, floating point',
    becomes: 'refused: its range is unknown',
    bytes: floatTiff,
    wanted: /samples are of type float/,
  },
  {
    file: 'BMP, GIF, HEIF, SVG and others',
    becomes: 'refused',
    bytes: () => Buffer.from('BM\x3a\0\0\0\0\0\0\0', 'latin1'),
    wanted: /not a picture we read \(PNG, JPEG, WebP and TIFF\) but BMP/,
  },
  {
    file: 'a truncated or damaged file',
    becomes: 'refused',
    bytes: () => plainPng(64, 64, red).subarray(0, -30),
    wanted: /damaged or truncated PNG/,
  },
  {
    file: 'text called .png',
    becomes: 'refused',
    bytes: () => Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
    wanted: /not a picture we read .* but text/,
  },
];

describe('decodeImage: the matrix of the README', () => {
  test.each(MATRIX)('$file: $becomes', async ({ bytes, wanted }) => {
    const file = await bytes();
    if (wanted instanceof RegExp) {
      const error = await errorOf(decodeImage(file));
      expect(error.code).toBe('image-unreadable');
      expect(error.message).toMatch(wanted);
      return;
    }
    const { data, channels, width, height } = await decodeImage(file);
    expect(channels).toBe(3);
    expect(data).toHaveLength(width * height * 3);
    if ('near' in wanted) {
      const worst = Math.max(...wanted.near.map((value, index) => Math.abs(value - data[index]!)));
      expect(worst).toBeLessThanOrEqual(wanted.by);
      expect(data).toHaveLength(wanted.near.length);
    } else {
      expect([...data]).toEqual(wanted);
    }
  });

  test('stands in the README', async () => {
    const table = [
      '| file | becomes |',
      '| --- | --- |',
      ...MATRIX.map((row) => `| ${row.file} | ${row.becomes} |`),
    ].join('\n');
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    // Prettier pads the cells.
    expect(readme.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---')).toContain(table);
  });

  test('the profile that is ignored would have changed the bytes', async () => {
    const { data } = await sharp(await withProfile())
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data]).not.toEqual(red);
  });
});

/** Where the pixel (x, y) of the upright picture stands in a stored one of width x height. */
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

  test('turns masks with it', async () => {
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

  test('anything but black is anomalous, in 8 and 16 bits, grey and colour', async () => {
    const options = { width: 3, height: 1 } as const;
    expect(await mask(makePng({ ...options, colourType: 0, bitDepth: 8, rows: [[0, 1, 255]] }))).toEqual([
      0, 255, 255,
    ]);
    expect(await mask(makePng({ ...options, colourType: 0, bitDepth: 16, rows: [[0, 1, 256]] }))).toEqual([
      0, 255, 255,
    ]);
    expect(
      await mask(makePng({ ...options, colourType: 2, bitDepth: 8, rows: [[0, 0, 0, 0, 0, 1, 1, 0, 0]] })),
    ).toEqual([0, 255, 255]);
  });

  test('what is invisible is not anomalous', async () => {
    const rows = [[255, 0, 255, 1]];
    expect(await mask(makePng({ width: 2, height: 1, colourType: 4, bitDepth: 8, rows }))).toEqual([0, 255]);
    expect(await mask(makePng({ width: 2, height: 1, colourType: 4, bitDepth: 16, rows }))).toEqual([0, 255]);
  });
});

describe('unreadable files', () => {
  const noise = Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 31) % 251);

  test.each(['png', 'jpeg', 'webp', 'tiff'] as const)('a %s cut anywhere is refused', async (format) => {
    const file = await raw(noise, 64, 3).toFormat(format).toBuffer();
    for (const share of [0.3, 0.6, 0.95]) {
      const cut = file.subarray(0, Math.floor(file.length * share));
      expect((await errorOf(decodeImage(cut))).code).toBe('image-unreadable');
      expect((await errorOf(inspectImage(cut))).code).toBe('image-unreadable');
    }
    expect(await inspectImage(file)).toEqual({ width: 64, height: 64 });
  });

  test('bytes after the picture are no damage', async () => {
    const file = await raw(noise, 64, 3).jpeg().toBuffer();
    const longer = Buffer.concat([file, Buffer.from('trailer')]);
    expect(await inspectImage(longer)).toEqual({ width: 64, height: 64 });
    expect(await decodeImage(longer)).toEqual(await decodeImage(file));
  });

  test('errors name the file', async () => {
    const folder = await temporaryFolder();
    try {
      await folder.write({ 'empty.png': '', 'folder.png': undefined });
      const missing = await errorOf(decodeImage(`${folder.root}/none.png`));
      expect(missing.code).toBe('file-not-found');
      expect(missing.message).toContain(`${folder.root}/none.png`);
      expect((await errorOf(decodeImage(`${folder.root}/empty.png`))).message).toContain('the file is empty');
      expect((await errorOf(decodeImage(`${folder.root}/folder.png`))).code).toBe('image-unreadable');
    } finally {
      await folder.remove();
    }
  });

  test('a file replaced under its name is read anew', async () => {
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
