import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { makeBmp } from './fabricate-bmp.test.util.js';
import { makePng, makeTiff, plainPng } from './fabricate.test.util.js';

export interface MatrixRow {
  readonly file: string;
  readonly becomes: string;
  /** What a browser makes of it. */
  readonly inBrowser: string;
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
export const profiled = async (): Promise<Buffer> =>
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

/** What decoding makes of each kind of file: the table in the README. */
export const MATRIX: readonly MatrixRow[] = [
  {
    file: 'PNG, RGB, 8 bits',
    becomes: 'the same bytes',
    inBrowser: 'the same',
    bytes: () => makePng({ width: 2, height: 1, colorType: 2, bitDepth: 8, rows: [[1, 2, 3, 254, 255, 0]] }),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'PNG, gray, 8 bits',
    becomes: 'three equal channels',
    inBrowser: 'the same',
    bytes: () => makePng({ width: 2, height: 1, colorType: 0, bitDepth: 8, rows: [[7, 200]] }),
    wanted: [7, 7, 7, 200, 200, 200],
  },
  {
    file: 'PNG, gray, 1 bit',
    becomes: '0 or 255 in three channels',
    inBrowser: 'the same',
    bytes: () => makePng({ width: 2, height: 1, colorType: 0, bitDepth: 1, rows: [[0b01000000]] }),
    wanted: [0, 0, 0, 255, 255, 255],
  },
  {
    file: 'PNG, gray, 16 bits',
    becomes: 'the upper 8 bits',
    inBrowser: 'the same',
    bytes: () =>
      makePng({ width: 5, height: 1, colorType: 0, bitDepth: 16, rows: [[255, 256, 511, 0x80ff, 65535]] }),
    wanted: flat([0], 3).concat(flat([1], 6), flat([128], 3), flat([255], 3)),
  },
  {
    file: 'PNG, RGB, 16 bits',
    becomes: 'the upper 8 bits',
    inBrowser: 'the same',
    bytes: () =>
      makePng({ width: 1, height: 1, colorType: 2, bitDepth: 16, rows: [[0x12ff, 0xabcd, 0x00ff]] }),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'PNG, palette',
    becomes: "the palette's colors",
    inBrowser: 'the same',
    bytes: () =>
      makePng({ width: 2, height: 1, colorType: 3, bitDepth: 8, rows: [[1, 0]], chunks: [palette] }),
    wanted: [40, 50, 60, 10, 20, 30],
  },
  {
    file: 'PNG, palette with transparency',
    becomes: 'composited over black',
    inBrowser: 'the same',
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
    inBrowser: 'the same',
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
    inBrowser: 'the same',
    bytes: () => raw(slope, 16, 3).png({ progressive: true }).toBuffer(),
    wanted: slope,
  },
  {
    file: 'PNG, RGB + alpha, 8 bits',
    becomes: 'composited over black',
    inBrowser: 'the same',
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
    inBrowser: 'the same',
    bytes: () => makePng({ width: 2, height: 1, colorType: 4, bitDepth: 8, rows: [[200, 128, 200, 255]] }),
    wanted: [100, 100, 100, 200, 200, 200],
  },
  {
    file: 'PNG, RGB + alpha, 16 bits',
    becomes: 'the upper 8 bits, composited over black',
    inBrowser: 'the same',
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
    inBrowser: 'the same',
    bytes: profiled,
    wanted: red,
  },
  {
    file: 'JPEG, color',
    becomes: 'RGB, as libjpeg-turbo decodes it',
    inBrowser: 'the same',
    bytes: () => raw(flat(red, 64), 8, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
    wanted: { near: flat(red, 64), by: 1 },
  },
  {
    file: 'JPEG, progressive',
    becomes: 'RGB, as libjpeg-turbo decodes it',
    inBrowser: 'the same',
    bytes: () =>
      raw(slope, 16, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4', progressive: true }).toBuffer(),
    wanted: { near: slope, by: 3 },
  },
  {
    file: 'JPEG with an ICC profile (Display P3)',
    becomes: 'the same numbers: the profile is ignored',
    inBrowser: 'the same',
    bytes: jpegWithProfile,
    wanted: { near: flat(red, 64), by: 1 },
  },
  {
    file: 'JPEG, gray',
    becomes: 'three equal channels',
    inBrowser: 'the same',
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
    inBrowser: 'refused: each browser makes other colors of it',
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
    inBrowser: 'the same',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).webp({ lossless: true }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'WebP, lossless with alpha',
    becomes: 'composited over black',
    inBrowser: 'the same',
    bytes: () =>
      raw([9, 8, 7, 255, 200, 100, 51, 128, 30, 20, 10, 0], 3, 4)
        .webp({ lossless: true, exact: true })
        .toBuffer(),
    wanted: [9, 8, 7, 100, 50, 26, 0, 0, 0],
  },
  {
    file: 'WebP, lossy',
    becomes: 'RGB, as libwebp decodes it',
    inBrowser: 'the same',
    bytes: () => raw(slope, 16, 3).webp({ quality: 100 }).toBuffer(),
    wanted: { near: slope, by: 10 },
  },
  {
    file: 'WebP, animated',
    becomes: 'its first frame',
    inBrowser: 'the same',
    bytes: async (): Promise<Buffer> => {
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
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => raw([1, 2, 3, 254, 255, 0], 2, 3).tiff({ compression: 'lzw' }).toBuffer(),
    wanted: [1, 2, 3, 254, 255, 0],
  },
  {
    file: 'TIFF, gray, 8 bits, deflate',
    becomes: 'three equal channels',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => makeTiff([{ width: 2, height: 1, bits: 8, samples: 1, values: [7, 200], deflate: true }]),
    wanted: [7, 7, 7, 200, 200, 200],
  },
  {
    file: 'TIFF, gray, 16 bits',
    becomes: 'the upper 8 bits',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => makeTiff([{ width: 3, height: 1, bits: 16, samples: 1, values: [255, 256, 0xabff] }]),
    wanted: [0, 0, 0, 1, 1, 1, 0xab, 0xab, 0xab],
  },
  {
    file: 'TIFF, RGB, 16 bits',
    becomes: 'the upper 8 bits',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 16, samples: 3, values: [0x12ff, 0xabcd, 0xff] }]),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'TIFF, RGB + alpha, 8 bits',
    becomes: 'composited over black',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 8, samples: 4, values: [200, 100, 51, 128] }]),
    wanted: [100, 50, 26],
  },
  {
    file: 'TIFF, several pages',
    becomes: 'its first page',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () =>
      makeTiff([
        { width: 2, height: 1, bits: 8, samples: 1, values: [1, 2] },
        { width: 1, height: 1, bits: 8, samples: 1, values: [9] },
      ]),
    wanted: [1, 1, 1, 2, 2, 2],
  },
  {
    file: 'TIFF, RGB + a band that is not marked as alpha',
    becomes: 'RGB; the band is dropped, with a warning',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () =>
      makeTiff([{ width: 1, height: 1, bits: 8, samples: 4, extra: [0], values: [200, 100, 51, 128] }]),
    wanted: [200, 100, 51],
  },
  {
    file: 'TIFF, RGB + two bands, 8 or 16 bits',
    becomes: 'RGB; unmarked bands are dropped, with a warning',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () =>
      makeTiff([
        { width: 1, height: 1, bits: 16, samples: 5, extra: [0, 0], values: [0x12ff, 0xabcd, 0xff, 1, 2] },
      ]),
    wanted: [0x12, 0xab, 0],
  },
  {
    file: 'TIFF, gray with several unmarked bands',
    becomes: 'refused: any of them may be a color',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () =>
      makeTiff([{ width: 1, height: 1, bits: 8, samples: 3, gray: true, extra: [0, 0], values: [1, 2, 3] }]),
    wanted: /a gray TIFF with 3 bands/,
  },
  {
    file: 'TIFF, floating point',
    becomes: 'refused: its range is unknown',
    inBrowser: 'refused: browsers do not read TIFF',
    bytes: () => makeTiff([{ width: 1, height: 1, bits: 32, samples: 1, values: [0.5] }]),
    wanted: /unsupported sample type float/,
  },
  {
    file: 'BMP, 1, 4 or 8 bits',
    becomes: "the palette's colors",
    inBrowser: 'the same',
    bytes: () =>
      makeBmp({
        width: 2,
        height: 1,
        bits: 4,
        palette: [
          [10, 20, 30],
          [40, 50, 60],
        ],
        rows: [[0x10]],
      }),
    wanted: [40, 50, 60, 10, 20, 30],
  },
  {
    file: 'BMP, 24 bits, from bottom to top or from top to bottom',
    becomes: 'the same bytes',
    inBrowser: 'the same',
    bytes: () =>
      makeBmp({
        width: 1,
        height: 2,
        bits: 24,
        rows: [
          [3, 2, 1],
          [6, 5, 4],
        ],
      }),
    wanted: [1, 2, 3, 4, 5, 6],
  },
  {
    file: 'BMP, 32 bits',
    becomes: 'RGB; composited over black where its header says that the fourth byte is alpha',
    inBrowser: 'the same',
    bytes: () => makeBmp({ width: 1, height: 1, bits: 32, alpha: true, rows: [[51, 100, 200, 128]] }),
    wanted: [100, 50, 26],
  },
  {
    file: 'BMP without the header of the file (.dib)',
    becomes: 'like a BMP',
    inBrowser: 'the same',
    bytes: () => makeBmp({ width: 1, height: 1, bits: 24, bare: true, rows: [[3, 2, 1]] }),
    wanted: [1, 2, 3],
  },
  {
    file: 'BMP, 16 bits, or compressed',
    becomes: 'refused',
    inBrowser: 'the same',
    bytes: () => makeBmp({ width: 1, height: 1, bits: 16, rows: [[3, 2]] }),
    wanted: /a BMP of 16 bits per pixel; wanted 1, 4, 8, 24 or 32/,
  },
  {
    file: 'GIF, HEIF, SVG and others',
    becomes: 'refused',
    inBrowser: 'the same',
    bytes: () => Buffer.from('GIF89a\x3a\0\0\0\0\0\0\0', 'latin1'),
    wanted: /unsupported format \(GIF\); supported are PNG, JPEG, WebP, TIFF and BMP/,
  },
  {
    file: 'a truncated or damaged file',
    becomes: 'refused',
    inBrowser: 'the same',
    bytes: () => plainPng(64, 64, red).subarray(0, -30),
    wanted: /damaged or truncated PNG/,
  },
  {
    file: 'text called .png',
    becomes: 'refused',
    inBrowser: 'the same',
    bytes: () => Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
    wanted: /unsupported format \(text\)/,
  },
  {
    file: 'more than 2^28 pixels',
    becomes: 'refused, before anything is decoded',
    inBrowser: 'the same',
    bytes: () => makePng({ width: 40_000, height: 40_000, colorType: 2, bitDepth: 8, rows: [] }),
    wanted: /it is 40000 x 40000; at most 268435456 pixels are read/,
  },
  {
    file: 'an empty file',
    becomes: 'refused',
    inBrowser: 'the same',
    bytes: () => Buffer.alloc(0),
    wanted: /the file is empty/,
  },
];
