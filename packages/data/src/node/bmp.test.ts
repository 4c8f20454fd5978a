import fc from 'fast-check';
import { decodeImage, inspectImage } from './decode.js';
import { makeBmp, type BmpOptions } from './fabricate-bmp.test.util.js';
import { errorOf } from './fabricate.test.util.js';

type Color = readonly [number, number, number];

const BITS = [1, 4, 8, 24, 32] as const;

/** Colors that differ for each index. */
const palette = (length: number): Color[] =>
  Array.from({ length }, (_, index) => [(index * 37 + 11) % 256, (index * 101) % 256, 255 - index] as const);

/** A row of a palette image: the first pixel is in the highest bits. */
function packed(indices: readonly number[], bits: number): number[] {
  const bytes = Array<number>(Math.ceil((indices.length * bits) / 8)).fill(0);
  indices.forEach((index, x) => (bytes[(x * bits) >> 3]! |= index << (8 - bits - ((x * bits) & 7))));
  return bytes;
}

/** A BMP of pseudorandom pixels, and its RGB bytes. */
function sample(
  bits: (typeof BITS)[number],
  width: number,
  height: number,
  options: Partial<BmpOptions> = {},
): { file: Buffer; wanted: number[] } {
  const colors = palette(bits <= 8 ? 2 ** bits : 0);
  const value = (x: number, y: number, channel: number): number =>
    (x * 73 + y * 151 + channel * 57 + x * y) % 256;
  const columns = Array.from({ length: width }, (_, x) => x);
  const wanted: number[] = [];
  const rows = Array.from({ length: height }, (_, y) => {
    if (bits <= 8) {
      const indices = columns.map((x) => value(x, y, 0) % 2 ** bits);
      wanted.push(...indices.flatMap((index) => colors[index]!));
      return packed(indices, bits);
    }
    return columns.flatMap((x) => {
      const [r, g, b] = [0, 1, 2].map((channel) => value(x, y, channel)) as [number, number, number];
      wanted.push(r, g, b);
      return bits === 32 ? [b, g, r, value(x, y, 3)] : [b, g, r];
    });
  });
  return { file: makeBmp({ width, height, bits, rows, palette: colors, ...options }), wanted };
}

test('all depths, sizes and directions, with each header', async () => {
  const size = fc.integer({ min: 1, max: 19 });
  const kind = fc.record({ topDown: fc.boolean(), bare: fc.boolean(), core: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...BITS), size, size, kind, async (bits, width, height, options) => {
      // OS/2 has neither 32 bits nor rows from top to bottom, and no such file is without its header.
      const core = options.core && bits < 32;
      const { file, wanted } = sample(bits, width, height, core ? { core } : { ...options, core });
      expect(await decodeImage(file)).toEqual({ data: Uint8Array.from(wanted), width, height, channels: 3 });
      expect(await inspectImage(file)).toMatchObject({ width, height });
    }),
    { numRuns: 60 },
  );
});

test('the fourth byte is opacity only where the header says so, and not if it is 0 everywhere', async () => {
  const pixel = [51, 100, 200];
  const decoded = async (options: Partial<BmpOptions>, opacity: number): Promise<number[]> => {
    const rows = [[...pixel, opacity]];
    return [...(await decodeImage(makeBmp({ width: 1, height: 1, bits: 32, rows, ...options }))).data];
  };
  expect(await decoded({}, 128)).toEqual([200, 100, 51]);
  expect(await decoded({ alpha: true }, 128)).toEqual([100, 50, 26]);
  expect(await decoded({ alpha: true }, 0)).toEqual([200, 100, 51]);
  expect(await decoded({ masks: [0xff, 0xff00, 0xff0000, 0] }, 9)).toEqual(pixel);
  expect(await decoded({ masks: [0xff, 0xff00, 0xff0000, 0xff000000] }, 255)).toEqual(pixel);
});

test('a palette shorter than the bits allow; an index outside of it is black', async () => {
  const file = makeBmp({
    width: 3,
    height: 1,
    bits: 8,
    palette: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    rows: [[1, 0, 9]],
  });
  expect([...(await decodeImage(file)).data]).toEqual([4, 5, 6, 1, 2, 3, 0, 0, 0]);
});

test.each([
  [
    'run lengths',
    { bits: 8, compression: 1 },
    'a BMP with run-length compression; store it without, or as PNG',
  ],
  ['16 bits', { bits: 16 }, 'a BMP of 16 bits per pixel; wanted 1, 4, 8, 24 or 32'],
  [
    'colors that are not bytes',
    { bits: 32, masks: [0x3ff00000, 0xffc00, 0x3ff, 0] },
    'a BMP whose colors are not bytes; store it with 24 bits per pixel',
  ],
  ['no width', { bits: 8, width: 0, rows: [[]] }, 'a damaged BMP (0 x 1 pixels)'],
  ['more pixels than are read', { bits: 1, width: 2 ** 16, height: 2 ** 13 }, 'a truncated BMP'],
] as const)('%s: refused', async (_, options, problem) => {
  const error = await errorOf(decodeImage(makeBmp({ width: 1, height: 1, rows: [[1]], ...options })));
  expect(error.code).toBe('image-unreadable');
  expect(error.message).toContain(problem);
});

test('refused wherever it is cut off', async () => {
  const { file } = sample(4, 7, 5);
  // The padding of the last row may be missing.
  const [padding] = [Math.floor((4 * 7 + 31) / 32) * 4 - Math.ceil((4 * 7) / 8)];
  for (let length = 1; length < file.length - padding; length++) {
    expect((await errorOf(inspectImage(file.subarray(0, length)))).code).toBe('image-unreadable');
  }
  expect(await inspectImage(file.subarray(0, file.length - padding))).toMatchObject({ width: 7, height: 5 });
});
