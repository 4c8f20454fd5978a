import fc from 'fast-check';
import {
  assertIntensityRange,
  assertMappedBy,
  levelsOf,
  levelsSpanned,
  rangeFor,
  valuesOf,
} from './intensity.js';

test('values become levels in proportion, cut off outside of the range', () => {
  const range = fc
    .tuple(fc.nat(65_535), fc.nat(65_535))
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(range, fc.nat(65_535), ([low, high], value) => {
      const exact = (255 * (value - low)) / (high - low);
      expect(levelsOf([low, high])[value]).toBe(Math.round(Math.min(255, Math.max(0, exact))));
    }),
    { numRuns: 50 },
  );
  const levels = levelsOf([21_000, 21_255]);
  expect([0, 20_999, 21_000, 21_001, 21_255, 21_256, 65_535].map((value) => levels[value])).toEqual([
    0, 0, 0, 1, 255, 255, 255,
  ]);
  const upper = levelsOf(undefined);
  expect([255, 256, 65_535].map((value) => upper[value])).toEqual([0, 1, 255]);
});

test('dead pixels do not count to what an image spans', () => {
  const counts = new Uint32Array(65_536);
  counts[21_000] = 5_000;
  counts[21_120] = 4_995;
  counts[65_535] = 3;
  counts[0] = 2;
  expect(valuesOf(counts)).toEqual([21_000, 21_120]);
  const one = new Uint32Array(65_536);
  one[7] = 1;
  expect(valuesOf(one)).toEqual([7, 7]);
});

test('a range for good images leaves room for brighter and darker defects', () => {
  expect(
    rangeFor([
      [21_000, 21_100],
      [21_020, 21_120],
    ]),
  ).toEqual([20_940, 21_180]);
  expect(rangeFor([[0, 65_535]])).toEqual([0, 65_535]);
  expect(rangeFor([[5, 5]])).toEqual([4, 6]);
});

test('levels that an image spans', () => {
  expect(levelsSpanned([21_000, 21_120], undefined)).toBe(1);
  expect(levelsSpanned([0, 65_535], undefined)).toBe(256);
  expect(levelsSpanned([21_000, 21_120], [20_940, 21_180])).toBe(128);
});

test.each([[[1]], [[2, 1]], [[1, 1]], [[-1, 5]], [[0, 65_536]], [[0.5, 7]], [[NaN, 7]]])(
  'the range %j is refused',
  (range) => {
    expect(() => {
      assertIntensityRange(range);
    }).toThrow(/wanted two whole numbers from 0 to 65535, the lower one first/);
  },
);

test('an image of another range is refused', () => {
  expect(() => {
    assertMappedBy({}, [1, 9]);
  }).toThrow('Got an image with no intensity range; wanted 1:9.');
  expect(() => {
    assertMappedBy({ intensityRange: [1, 9] }, undefined);
  }).toThrow('Got an image with the intensity range 1:9; wanted none.');
  assertMappedBy({ intensityRange: [1, 9] }, [1, 9]);
  assertMappedBy({}, undefined);
});
