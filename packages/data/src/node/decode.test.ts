import { readFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { PixelBuffer } from '@dskd/base';
import { decodeImage, decodeMask, inspectImage, inspectMask } from './decode.js';
import { errorOf, makePng, makeTiff, plainPng, temporaryFolder } from './fabricate.test.util.js';

interface MatrixRow {
  readonly file: string;
  readonly becomes: string;
  readonly bytes: () => Buffer | Promise<Buffer>;
  /** Exact RGB bytes, RGB bytes with a tolerance, or a pattern for the error message. */
  readonly wanted: readonly number[] | { readonly near: readonly number[]; readonly by: number } | RegExp;
}

const raw = (data: readonly number[], width: number, channels: 1 | 3 | 4): ReturnType<typeof sharp> =>
  sharp(Uint8Array.from(data), { raw: { width, height: data.length / width / channels, channels } });
const palette = ['PLTE', Uint8Array.of(10, 20, 30, 40, 50, 60)] as const;
const flat = (color: readonly number[], pixels: number): number[] =>
  Array.from({ length: pixels }, () => color).flat();
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
    colorType: 2,
    bitDepth: 8,
    rows: [red],
    chunks: [['iCCP', await displayP3()]],
  });

/** A JPEG with an ICC profile that sharp has not applied to its pixels. */
async function jpegWithProfile(): Promise<Buffer> {
  const { icc } = await sharp(await raw(red, 1, 3).withIccProfile('p3').png().toBuffer()).metadata();
  const jpeg = await raw(flat(red, 64), 8, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
  const body = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), icc!]);
  const head = Buffer.from([0xff, 0xe2, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

/** A 16 x 16 image with smooth gradients, so that lossy compression changes it little. */
const slope = Array.from({ length: 256 }, (_, index) => {
  const [x, y] = [index % 16, index >> 4];
  return [40 + x * 10, 200 - y * 8, 60 + (x + y) * 4];
}).flat();

/** The expected behavior behind the table in the README. */
const MATRIX: readonly MatrixRow[] = [
  {
    file: 'PNG, RGB, 8 bits',
    becomes: 'the same bytes',
    bytes: () => makePng({ width: 2, height: 1, colorType: 2, bitDepth: 8, rows: [[1, 2, 3, 254, 255, 0]] }),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'PNG, gray, 8 bits',
    becomes: 'three equal channels',
    bytes: () => makePng({ width: 2, height: 1, colorType: 0, bitDepth: 8, rows: [[7, 200]] }),
    wanted: [7, 7, 7, 200, 200, 200],
  },
  {
    file: 'PNG, gray, 1 bit',
    becomes: '0 or 255 in three channels',
    bytes: () => makePng({ width: 2, height: 1, colorType: 0, bitDepth: 1, rows: [[0b01000000]] }),
    wanted: [0, 0, 0, 255, 255, 255],
  },
  {
    file: 'PNG, gray, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () =>
      makePng({ width: 5, height: 1, colorType: 0, bitDepth: 16, rows: [[255, 256, 511, 0x80ff, 65535]] }),
    wanted: flat([0], 3).concat(flat([1], 6), flat([128], 3), flat([255], 3)),
  },
  {
    file: 'PNG, RGB, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () =>
      makePng({ width: 1, height: 1, colorType: 2, bitDepth: 16, rows: [[0x12ff, 0xabcd, 0x00ff]] }),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'PNG, palette',
    becomes: "the palette's colors",
    bytes: () =>
      makePng({ width: 2, height: 1, colorType: 3, bitDepth: 8, rows: [[1, 0]], chunks: [palette] }),
    wanted: [40, 50, 60, 10, 20, 30],
  },
  {
    file: 'PNG, palette with transparency',
    becomes: 'composited over black',
    bytes: () =>
      makePng({
        width: 2,
        height: 1,
        colorType: 3,
        bitDepth: 8,
        rows: [[1, 0]],
        chunks: [palette, ['tRNS', Uint8Array.of(0)]],
      }),
    wanted: [40, 50, 60, 0, 0, 0],
  },
  {
    file: 'PNG, gray, one value transparent',
    becomes: 'that value is black',
    bytes: () =>
      makePng({
        width: 2,
        height: 1,
        colorType: 0,
        bitDepth: 8,
        rows: [[70, 90]],
        chunks: [['tRNS', Uint8Array.of(0, 70)]],
      }),
    wanted: [0, 0, 0, 90, 90, 90],
  },
  {
    file: 'PNG, interlaced',
    becomes: 'the same bytes',
    bytes: () => raw(slope, 16, 3).png({ progressive: true }).toBuffer(),
    wanted: slope,
  },
  {
    file: 'PNG, RGB + alpha, 8 bits',
    becomes: 'composited over black',
    bytes: () =>
      makePng({
        width: 3,
        height: 1,
        colorType: 6,
        bitDepth: 8,
        rows: [[9, 8, 7, 255, 200, 100, 51, 128, 255, 255, 255, 0]],
      }),
    wanted: [9, 8, 7, 100, 50, 26, 0, 0, 0],
  },
  {
    file: 'PNG, gray + alpha, 8 bits',
    becomes: 'composited over black, three equal channels',
    bytes: () => makePng({ width: 2, height: 1, colorType: 4, bitDepth: 8, rows: [[200, 128, 200, 255]] }),
    wanted: [100, 100, 100, 200, 200, 200],
  },
  {
    file: 'PNG, RGB + alpha, 16 bits',
    becomes: 'the upper 8 bits, composited over black',
    bytes: () =>
      makePng({
        width: 1,
        height: 1,
        colorType: 6,
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
    file: 'JPEG, color',
    becomes: 'RGB, as libjpeg-turbo decodes it',
    bytes: () => raw(flat(red, 64), 8, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
    wanted: { near: flat(red, 64), by: 1 },
  },
  {
    file: 'JPEG, progressive',
    becomes: 'RGB, as libjpeg-turbo decodes it',
    bytes: () =>
      raw(slope, 16, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4', progressive: true }).toBuffer(),
    wanted: { near: slope, by: 3 },
  },
  {
    file: 'JPEG with an ICC profile (Display P3)',
    becomes: 'the same numbers: the profile is ignored',
    bytes: jpegWithProfile,
    wanted: { near: flat(red, 64), by: 1 },
  },
  {
    file: 'JPEG, gray',
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
    // The conversion to CMYK and back loses some precision; without any profile the difference would be 29.
    wanted: { near: flat([120, 110, 100], 64), by: 10 },
  },
  {
    file: 'WebP, lossless',
    becomes: 'the same bytes',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).webp({ lossless: true }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'WebP, lossless with alpha',
    becomes: 'composited over black',
    bytes: () =>
      raw([9, 8, 7, 255, 200, 100, 51, 128, 30, 20, 10, 0], 3, 4)
        .webp({ lossless: true, exact: true })
        .toBuffer(),
    wanted: [9, 8, 7, 100, 50, 26, 0, 0, 0],
  },
  {
    file: 'WebP, lossy',
    becomes: 'RGB, as libwebp decodes it',
    bytes: () => raw(slope, 16, 3).webp({ quality: 100 }).toBuffer(),
    wanted: { near: slope, by: 10 },
  },
  {
    file: 'WebP, animated',
    becomes: 'its first frame',
    bytes: async () => {
      const frames = [red, [1, 2, 3]].map((color) => plainPng(4, 4, color));
      return sharp(frames, { join: { animated: true } })
        .webp({ lossless: true })
        .toBuffer();
    },
    wanted: flat(red, 16),
  },
  {
    file: 'TIFF, RGB, 8 bits, LZW',
    becomes: 'the same bytes',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).tiff({ compression: 'lzw' }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'TIFF, gray, 8 bits, deflate',
    becomes: 'three equal channels',
    bytes: () => makeTiff([{ width: 2, height: 1, bits: 8, samples: 1, values: [7, 200], deflate: true }]),
    wanted: [7, 7, 7, 200, 200, 200],
  },
  {
    file: 'TIFF, gray, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () => makeTiff([{ width: 3, height: 1, bits: 16, samples: 1, values: [255, 256, 0xabff] }]),
    wanted: [0, 0, 0, 1, 1, 1, 0xab, 0xab, 0xab],
  },
  {
    file: 'TIFF, RGB, 16 bits',
    becomes: 'the upper 8 bits',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 16, samples: 3, values: [0x12ff, 0xabcd, 0xff] }]),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'TIFF, RGB + alpha, 8 bits',
    becomes: 'composited over black',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 8, samples: 4, values: [200, 100, 51, 128] }]),
    wanted: [100, 50, 26],
  },
  {
    file: 'TIFF, several pages',
    becomes: 'its first page',
    bytes: () =>
      makeTiff([
        { width: 2, height: 1, bits: 8, samples: 1, values: [1, 2] },
        { width: 1, height: 1, bits: 8, samples: 1, values: [9] },
      ]),
    wanted: [1, 1, 1, 2, 2, 2],
  },
  {
    file: 'TIFF, floating point',
    becomes: 'refused: its range is unknown',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 32, samples: 1, values: [0.5] }]),
    wanted: /unsupported sample type float/,
  },
  {
    file: 'BMP, GIF, HEIF, SVG and others',
    becomes: 'refused',
    bytes: () => Buffer.from('BM\x3a\0\0\0\0\0\0\0', 'latin1'),
    wanted: /unsupported format \(BMP\); supported are PNG, JPEG, WebP and TIFF/,
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
    wanted: /unsupported format \(text\)/,
  },
  {
    file: 'more than 2^28 pixels',
    becomes: 'refused, before anything is decoded',
    bytes: () => makePng({ width: 40_000, height: 40_000, colorType: 2, bitDepth: 8, rows: [] }),
    wanted: /it is 40000 x 40000; at most 268435456 pixels are read/,
  },
  {
    file: 'an empty file',
    becomes: 'refused',
    bytes: () => Buffer.alloc(0),
    wanted: /the file is empty/,
  },
];

describe('decodeImage: the table of the README', () => {
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

  test('the table is in the README', async () => {
    const table = [
      '| file | becomes |',
      '| --- | --- |',
      ...MATRIX.map((row) => `| ${row.file} | ${row.becomes} |`),
    ].join('\n');
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    // Prettier pads the cells.
    expect(readme.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---')).toContain(table);
  });

  test('ignoring the profile matters: applying it would change the bytes', async () => {
    const { data } = await sharp(await withProfile())
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data]).not.toEqual(red);
  });
});

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
      expect(await inspectImage(file)).toEqual({ width: 64, height: 64 });
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
