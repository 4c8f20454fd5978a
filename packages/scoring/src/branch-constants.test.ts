import { randomStream } from '@dskd/base';
import { gatherConstants } from './index.js';

const random = randomStream(1, 'maps');
const calm = Float32Array.from({ length: 20_000 }, () => random.normal());
/** Of the same deviation; one pixel in twenty is far off. */
const nervous = Float32Array.from(
  { length: 20_000 },
  (_, i) => (i % 20 === 0 ? 4.45 : 0.1) * random.normal(),
);

function constantsOf(normalisation: 'moments' | 'quantiles', values: Float32Array) {
  const gatherer = gatherConstants(normalisation);
  gatherer.add(values.subarray(0, 7000));
  gatherer.add(values.subarray(7000));
  return gatherer.result();
}

test('moments: mean and population deviation', () => {
  const { mean, standardDeviation } = constantsOf('moments', calm);
  const exact = calm.reduce((sum, value) => sum + value, 0) / calm.length;
  const variance = calm.reduce((sum, value) => sum + (value - exact) ** 2, 0) / calm.length;
  expect(mean).toBeCloseTo(exact, 6);
  expect(standardDeviation).toBeCloseTo(Math.sqrt(variance), 6);
});

test('quantiles: the 0.9 quantile goes to 0, the 0.995 quantile to 1', () => {
  const { mean, standardDeviation } = constantsOf('quantiles', calm);
  const sorted = [...calm].sort((a, b) => a - b);
  const zero = sorted[Math.floor(0.9 * 19_999)]!;
  const one = sorted[Math.floor(0.995 * 19_999)]!;
  expect(mean).toBeCloseTo(zero, 3);
  expect(mean + standardDeviation).toBeCloseTo(one, 2);
});

test('a branch with far outliers among normal pictures counts less by quantiles than by moments', () => {
  const weight = (normalisation: 'moments' | 'quantiles') =>
    constantsOf(normalisation, calm).standardDeviation /
    constantsOf(normalisation, nervous).standardDeviation;
  expect(Math.abs(weight('moments') - 1)).toBeLessThan(0.1);
  expect(weight('quantiles')).toBeLessThan(0.5);
});
