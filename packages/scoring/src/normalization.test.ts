import { randomStream } from '@dskd/base';
import { createNormalizationAccumulator } from './index.js';

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
