import fc from 'fast-check';
import { assertTiling, imagesPerPass, TileGrid, type Tile, type Tiling } from './grid.js';

/** Sizes that tiles can be cut of, odd ones too. */
const cases = fc
  .record({
    size: fc.integer({ min: 32, max: 48 }),
    more: fc.tuple(fc.nat(60), fc.nat(60)),
    part: fc.nat(99),
  })
  .map(({ size, more, part }) => ({
    tiling: { size, overlap: Math.floor((size * part) / 100) },
    inputSize: [size + more[0], size + more[1]] as const,
  }));

const filled = (size: number, value: number): Float32Array => new Float32Array(size * size).fill(value);

test('tiles have the full size, lie inside, cover everything, and overlap by at least what was asked for', () => {
  fc.assert(
    fc.property(cases, ({ tiling, inputSize }) => {
      const { size, overlap } = tiling;
      const { tiles } = new TileGrid(tiling, inputSize);
      const covered = new Uint8Array(inputSize[0] * inputSize[1]);
      for (const { top, left } of tiles) {
        expect(top).toBeGreaterThanOrEqual(0);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(top + size).toBeLessThanOrEqual(inputSize[0]);
        expect(left + size).toBeLessThanOrEqual(inputSize[1]);
        for (let y = top; y < top + size; y++)
          covered.fill(1, y * inputSize[1] + left, y * inputSize[1] + left + size);
      }
      expect(covered.includes(0)).toBe(false);
      const tops = [...new Set(tiles.map(({ top }) => top))];
      for (const [index, top] of tops.entries()) {
        if (index > 0) expect(tops[index - 1]! + size - top).toBeGreaterThanOrEqual(overlap);
      }
    }),
    { numRuns: 50 },
  );
});

test('what is the same in all tiles is the same everywhere, to the bit', () => {
  fc.assert(
    fc.property(cases, fc.float({ noNaN: true, noDefaultInfinity: true }), ({ tiling, inputSize }, value) => {
      const grid = new TileGrid(tiling, inputSize);
      const blend = grid.blend();
      for (const tile of grid.tiles) blend.add(tile, filled(tiling.size, value));
      expect(blend.result().every((got) => got === value)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('a map that continues from tile to tile is that map: a pixel lies where it belongs, without seams', () => {
  fc.assert(
    fc.property(cases, fc.nat(9999), ({ tiling, inputSize }, where) => {
      const [height, width] = inputSize;
      const grid = new TileGrid(tiling, inputSize);
      const at = where % (height * width);
      const image = Float32Array.from({ length: height * width }, (_, i) => (i === at ? 100 : Math.sin(i)));
      const blend = grid.blend();
      for (const tile of grid.tiles) blend.add(tile, cut(image, width, tile, tiling.size));
      const got = blend.result();
      expect(got.every((value, i) => Math.abs(value - image[i]!) < 1e-5)).toBe(true);
      const best = grid.tiles[grid.tileAt([Math.floor(at / width), at % width])]!;
      const inside = (pixel: number, start: number): boolean => pixel >= start && pixel < start + tiling.size;
      expect(inside(Math.floor(at / width), best.top) && inside(at % width, best.left)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

function cut(image: Float32Array, width: number, { top, left }: Tile, size: number): Float32Array {
  return Float32Array.from(
    { length: size * size },
    (_, i) => image[(top + Math.floor(i / size)) * width + left + (i % size)]!,
  );
}

test('tiles that differ go over into each other in a straight ramp', () => {
  const grid = new TileGrid({ size: 32, overlap: 8 }, [32, 56]);
  const blend = grid.blend();
  grid.tiles.forEach((tile, index) => blend.add(tile, filled(32, index)));
  const row = blend.result().subarray(0, 56);
  expect([...row.subarray(22, 34)]).toEqual(
    [0, 0, 1, 3, 5, 7, 9, 11, 13, 15, 16, 16].map((value) => value / 16),
  );
});

test('one tile as large as the image counts 1 everywhere', () => {
  const grid = new TileGrid({ size: 40, overlap: 5 }, [40, 40]);
  const map = Float32Array.from({ length: 1600 }, (_, i) => i / 7);
  const blend = grid.blend();
  blend.add(grid.tiles[0]!, map);
  expect(blend.result()).toEqual(map);
});

test('images that pass together are not much more than eight tiles', () => {
  const at = (inputSize: readonly [number, number], tiles: Tiling | null): number =>
    imagesPerPass({ inputSize, tiles });
  expect(at([1024, 1024], null)).toBe(8);
  expect(at([1024, 1024], { size: 256, overlap: 32 })).toBe(1);
  expect(at([512, 256], { size: 256, overlap: 0 })).toBe(4);
});

test.each([
  [{ size: 16, overlap: 2 }, 'Got tiles of 16 pixels; wanted an integer of at least 32.'],
  [{ size: 64.5, overlap: 2 }, 'Got tiles of 64.5 pixels; wanted an integer'],
  [
    { size: 64, overlap: 64 },
    'Got tiles of 64 pixels that overlap by 64; wanted an integer overlap from 0 to 63.',
  ],
  [{ size: 64, overlap: -1 }, 'overlap by -1'],
  [
    { size: 128, overlap: 16 },
    'Got tiles of 128 pixels for images of 100 x 200; wanted tiles that fit into the image.',
  ],
  [{ size: 72, overlap: 8 }, 'Got tiles of 72 pixels for the teacher thing; wanted a multiple of 16'],
])('%j is refused', (tiling, message) => {
  const teacher = {
    name: 'thing',
    levels: [
      { name: 'a', channels: 1, stride: 4 },
      { name: 'b', channels: 1, stride: 16 },
    ],
  } as unknown as Parameters<typeof assertTiling>[2];
  expect(() => assertTiling(tiling, [100, 200], teacher)).toThrow(
    expect.objectContaining({
      code: 'invalid-config',
      message: expect.stringContaining(message) as string,
      hint: expect.any(String) as string,
    }) as Error,
  );
});

test('more tiles than can be run are refused before any is planned', () => {
  expect(() => new TileGrid({ size: 32, overlap: 31 }, [2030, 2030])).toThrow(
    '3996001 of them in an image of 2030 x 2030; wanted at most 16384',
  );
});
