import { randomStream } from '@dskd/base';
import * as fc from 'fast-check';
import { createNormalizationAccumulator, type BranchNormalization } from './index.js';
import { checkNormalization } from './normalization.js';

const random = randomStream(1, 'maps');
const calm = Float32Array.from({ length: 20_000 }, () => random.normal());
/** The same deviation; one pixel in twenty is an outlier. */
const nervous = Float32Array.from(
  { length: 20_000 },
  (_, i) => (i % 20 === 0 ? 4.45 : 0.1) * random.normal(),
);

function normalizationOf(normalization: 'moments' | 'quantiles', values: Float32Array) {
  const accumulator = createNormalizationAccumulator(normalization);
  accumulator.add(values.subarray(0, 7000));
  accumulator.add(values.subarray(7000));
  return accumulator.result();
}

test('moments: mean and population deviation', () => {
  const { offset, scale } = normalizationOf('moments', calm);
  const exact = calm.reduce((sum, value) => sum + value, 0) / calm.length;
  const variance = calm.reduce((sum, value) => sum + (value - exact) ** 2, 0) / calm.length;
  expect(offset).toBeCloseTo(exact, 6);
  expect(scale).toBeCloseTo(Math.sqrt(variance), 6);
});

test('moments of a single value, the score of one image: a tenth of it, as three images would have', () => {
  const accumulator = createNormalizationAccumulator('moments');
  accumulator.add(Float32Array.of(8));
  const { offset, scale } = accumulator.result();
  expect(offset).toBe(8);
  expect(scale).toBeCloseTo(0.8 * Math.sqrt(3 / 4), 6);
});

test('quantiles: the 0.9 quantile goes to 0, the 0.995 quantile to 1', () => {
  const { offset, scale } = normalizationOf('quantiles', calm);
  const sorted = [...calm].sort((a, b) => a - b);
  const zero = sorted[Math.floor(0.9 * 19_999)]!;
  const one = sorted[Math.floor(0.995 * 19_999)]!;
  expect(offset).toBeCloseTo(zero, 3);
  expect(offset + scale).toBeCloseTo(one, 2);
});

test('a branch with far outliers among normal images counts less by quantiles than by moments', () => {
  const weight = (normalization: 'moments' | 'quantiles') =>
    normalizationOf(normalization, calm).scale / normalizationOf(normalization, nervous).scale;
  expect(Math.abs(weight('moments') - 1)).toBeLessThan(0.1);
  expect(weight('quantiles')).toBeLessThan(0.5);
});

describe('image scores', () => {
  function normalizationOfScores(...blocks: number[][]): BranchNormalization {
    const accumulator = createNormalizationAccumulator('image-scores');
    for (const block of blocks) accumulator.add(Float32Array.from(block));
    return accumulator.result();
  }

  /** Standard deviation, divisor n - 1, drawn toward a tenth of the mean as if three images had said that. */
  function shrunk(values: readonly number[]): BranchNormalization {
    const count = values.length;
    const offset = values.reduce((sum, value) => sum + value, 0) / count;
    const squares = values.reduce((sum, value) => sum + (value - offset) ** 2, 0);
    const variance = count > 1 ? squares / (count - 1) : 0;
    return { offset, scale: Math.sqrt((count * variance + 3 * (0.1 * offset) ** 2) / (count + 3)) };
  }

  test('of one image: its score goes to 0; the scale is what was expected before, less what it says', () => {
    const { offset, scale } = normalizationOfScores([8]);
    expect(offset).toBe(8);
    expect(scale).toBeCloseTo(0.8 * Math.sqrt(3 / 4), 12);
  });

  test('of two equal images the scale is not 0', () => {
    const { scale } = normalizationOfScores([8, 8]);
    expect(scale).toBeCloseTo(0.8 * Math.sqrt(3 / 5), 12);
    expect(() => checkNormalization({ offset: 8, scale }, 'local')).not.toThrow();
  });

  test('of many images it is their standard deviation', () => {
    const random = randomStream(2, 'scores');
    const scores = Array.from({ length: 5000 }, () => 4 + 0.1 * random.normal());
    const { offset, scale } = normalizationOfScores(scores.slice(0, 10), scores.slice(10));
    expect(offset).toBeCloseTo(4, 2);
    expect(scale).toBeCloseTo(0.1, 2);
  });

  test('the formula, in whatever blocks scores come; scaled scores scale both numbers', () => {
    const score = fc.float({ min: Math.fround(0.01), max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 20 }), fc.nat(), (values, at) => {
        const cut = at % values.length;
        const got = normalizationOfScores(values.slice(0, cut), values.slice(cut));
        const wanted = shrunk(values);
        expect(Math.abs(got.offset / wanted.offset - 1)).toBeLessThan(1e-9);
        expect(Math.abs(got.scale / wanted.scale - 1)).toBeLessThan(1e-6);
        const doubled = normalizationOfScores(values.map((value) => 2 * value));
        expect(Math.abs(doubled.offset / (2 * got.offset) - 1)).toBeLessThan(1e-9);
        expect(Math.abs(doubled.scale / (2 * got.scale) - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  test('no images, or scores of 0 alone, cannot be normalized by', () => {
    const refusal = expect.objectContaining({ code: 'numerical-instability' }) as Error;
    for (const blocks of [[], [[0, 0]]]) {
      expect(() => checkNormalization(normalizationOfScores(...blocks), 'local')).toThrow(refusal);
    }
    expect(() => normalizationOfScores([1, NaN])).toThrow(refusal);
  });
});
