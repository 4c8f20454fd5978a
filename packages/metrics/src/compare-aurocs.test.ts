import { randomStream } from '@dskd/base';
import * as fc from 'fast-check';
import { auroc, compareAurocs } from './index.js';

/** By the definition: the kernel of each pair of a positive and a negative, and covariances over them. */
function oracle(
  labels: readonly number[],
  first: readonly number[],
  second: readonly number[],
): { difference: number; variance: number } {
  const positives = [...labels.keys()].filter((i) => labels[i] === 1);
  const negatives = [...labels.keys()].filter((i) => labels[i] === 0);
  const kernel = (scores: readonly number[], i: number, j: number): number =>
    scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const covariance = (a: readonly number[], b: readonly number[]): number => {
    const [x, y] = [mean(a), mean(b)];
    return a.reduce((sum, value, i) => sum + (value - x) * (b[i]! - y), 0) / (a.length - 1);
  };
  const v10 = [first, second].map((s) => positives.map((i) => mean(negatives.map((j) => kernel(s, i, j)))));
  const v01 = [first, second].map((s) => negatives.map((j) => mean(positives.map((i) => kernel(s, i, j)))));
  const part = (v: readonly number[][], count: number): number =>
    (covariance(v[0]!, v[0]!) + covariance(v[1]!, v[1]!) - 2 * covariance(v[0]!, v[1]!)) / count;
  return {
    difference: mean(v10[1]!) - mean(v10[0]!),
    variance: part(v10, positives.length) + part(v01, negatives.length),
  };
}

/** Two scores of samples of both classes, from few values, so that there are ties. */
const samples = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), {
    minLength: 4,
    maxLength: 40,
  })
  .map((scores) => ({
    labels: scores.map((_, i) => (i % 3 === 0 ? 1 : 0)),
    first: scores.map(([score]) => score),
    second: scores.map(([, score]) => score),
  }))
  .filter(({ labels }) => labels.filter((label) => label === 1).length > 1);

test('difference and interval agree with the definition', () => {
  fc.assert(
    fc.property(samples, ({ labels, first, second }) => {
      const result = compareAurocs({ labels, first, second });
      const { difference, variance } = oracle(labels, first, second);
      expect(result.first).toBeCloseTo(auroc(first, labels), 12);
      expect(result.second).toBeCloseTo(auroc(second, labels), 12);
      expect(result.difference).toBeCloseTo(difference, 12);
      expect((result.upper - result.lower) / 2).toBeCloseTo(
        1.959963984540054 * Math.sqrt(Math.max(0, variance)),
        6,
      );
    }),
  );
});

test('swapping the scores changes the sign, and nothing else', () => {
  fc.assert(
    fc.property(samples, ({ labels, first, second }) => {
      const one = compareAurocs({ labels, first, second });
      const other = compareAurocs({ labels, first: second, second: first });
      expect(other.difference).toBeCloseTo(-one.difference, 14);
      expect(other.pValue).toBeCloseTo(one.pValue, 12);
      expect(other.lower).toBeCloseTo(-one.upper, 14);
    }),
  );
});

test('p-values of a normal: hand values', () => {
  // The p-value of a difference d with standard deviation s is 2 P(Z < -d/s).
  const labels = [1, 1, 1, 0, 0, 0];
  const first = [3, 5, 1, 0, 2, 4];
  const second = [6, 5, 4, 0, 1, 2];
  const { difference, lower, upper, pValue } = compareAurocs({ labels, first, second });
  expect(difference).toBeCloseTo(1 - 6 / 9, 12);
  const z = (1.959963984540054 * difference) / ((upper - lower) / 2);
  // By numerical integration of the density.
  let tail = 0;
  for (let x = z; x < 12; x += 1e-4) tail += Math.exp(-((x + 5e-5) ** 2) / 2) * 1e-4;
  expect(pValue).toBeCloseTo((2 * tail) / Math.sqrt(2 * Math.PI), 6);
});

test('equal rankings do not differ', () => {
  const labels = [1, 0, 1, 0, 1, 0];
  const scores = [5, 1, 4, 3, 2, 0];
  const scaled = scores.map((score) => Math.exp(score));
  expect(compareAurocs({ labels, first: scores, second: scaled })).toMatchObject({
    difference: 0,
    lower: 0,
    upper: 0,
    pValue: 1,
  });
});

test('of equally good scores, one in twenty comparisons is below 0.05', () => {
  let below = 0;
  const rounds = 600;
  for (let round = 0; round < rounds; round++) {
    const random = randomStream(3, 'compare-aurocs', round);
    const labels = Array.from({ length: 80 }, (_, i) => i % 2);
    const shared = labels.map((label) => label + random.normal());
    const [first, second] = [0, 1].map(() => shared.map((score) => score + 0.7 * random.normal()));
    if (compareAurocs({ labels, first: first!, second: second! }).pValue < 0.05) below++;
  }
  expect(below / rounds).toBeGreaterThan(0.03);
  expect(below / rounds).toBeLessThan(0.075);
});

test('refuses what cannot be compared', () => {
  const labels = [1, 0, 1, 0];
  const first = [1, 2, 3, 4];
  expect(() => compareAurocs({ labels, first, second: [1, 2, 3] })).toThrow(/3 scores and 4 labels/);
  expect(() => compareAurocs({ labels, first, second: [1, 2, NaN, 4] })).toThrow(/NaN as score 2/);
  expect(() => compareAurocs({ labels: [1, 0, 0, 0], first, second: first })).toThrow(/Got 1 anomalous/);
  expect(() => compareAurocs({ labels, first, second: first, confidence: 1 })).toThrow(/confidence 1/);
});
