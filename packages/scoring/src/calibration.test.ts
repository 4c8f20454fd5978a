import { randomStream } from '@dskd/base';
import { f1Max } from '@dskd/metrics';
import fc from 'fast-check';
import { conformalPValue, defaultSigma, f1Threshold, quantileThreshold } from './index.js';

const normals = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 });
const rate = fc.oneof(
  fc.double({ min: 0.001, max: 0.999, noNaN: true }),
  fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100),
);

test('sigma is 4 at 256 px, in proportion to the shorter side', () => {
  expect(defaultSigma([256, 256])).toBe(4);
  expect(defaultSigma([128, 256])).toBe(2);
  expect(defaultSigma([320, 192])).toBe(3);
});

describe('conformalPValue', () => {
  test('hand cases', () => {
    const scores = [1, 2, 3, 4];
    expect(conformalPValue(5, scores)).toBe(0.2);
    expect(conformalPValue(4, scores)).toBe(0.4);
    expect(conformalPValue(2.5, scores)).toBe(0.6);
    expect(conformalPValue(0, scores)).toBe(1);
  });

  test('refuses what is not a number, and no normals', () => {
    expect(() => conformalPValue(NaN, [1])).toThrow(/NaN/);
    expect(() => conformalPValue(1, [])).toThrow(/0 scores/);
    expect(() => conformalPValue(1, [2, NaN])).toThrow(/2 scores of normal pictures, 1 of them/);
  });
});

describe('quantileThreshold', () => {
  test('hand cases', () => {
    const twenty = Float32Array.from({ length: 20 }, (_, i) => i);
    expect(quantileThreshold(twenty, 0.05)).toEqual({
      threshold: 19,
      falseAlarmRate: 0.05,
      smallestPossibleRate: 1 / 21,
      guaranteed: true,
    });
    expect(quantileThreshold(twenty, 0.1).threshold).toBe(18);
    // Too few for 1 in 100: the highest normal score, no promise.
    expect(quantileThreshold(twenty, 0.01)).toMatchObject({ threshold: 19, guaranteed: false });
    expect(quantileThreshold([3], 0.5)).toMatchObject({ threshold: 3, guaranteed: true });
    // 0.29 * 100 is 28.999999999999996 in floating point.
    const ninetyNine = Array.from({ length: 99 }, (_, i) => i);
    expect(quantileThreshold(ninetyNine, 0.29).threshold).toBe(99 - 29);
  });

  test('a verdict by threshold is a verdict by p-value', () => {
    fc.assert(
      fc.property(normals, rate, (scores, falseAlarmRate) => {
        const { threshold, guaranteed, smallestPossibleRate } = quantileThreshold(scores, falseAlarmRate);
        expect(guaranteed).toBe(falseAlarmRate >= smallestPossibleRate);
        const promised = guaranteed ? falseAlarmRate : smallestPossibleRate;
        for (const score of [...scores, ...scores.map((value) => value + 0.5), -1]) {
          expect(score > threshold).toBe(conformalPValue(score, scores) <= promised);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('holds its rate on new normal pictures', () => {
    const random = randomStream(11, 'quantile-threshold');
    let alarms = 0;
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const scores = Array.from({ length: 39 }, () => random.normal());
      if (random.normal() > quantileThreshold(scores, 0.1).threshold) alarms++;
    }
    // Exactly 4 of 40 ranks; 4 standard errors.
    expect(Math.abs(alarms / rounds - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / rounds));
  });

  test('refuses rates that are none', () => {
    for (const bad of [0, 1, -0.1, NaN])
      expect(() => quantileThreshold([1, 2], bad)).toThrow(/false-alarm rate/);
    expect(() => quantileThreshold([], 0.1)).toThrow(/0 scores/);
  });
});

describe('f1Threshold', () => {
  const samples = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { minLength: 2, maxLength: 30 })
    .filter((pairs) => new Set(pairs.map(([, label]) => label)).size === 2)
    .map((pairs) => ({ scores: pairs.map(([score]) => score), labels: pairs.map(([, label]) => label) }));

  test('with equal costs it is F1-max', () => {
    fc.assert(
      fc.property(samples, ({ scores, labels }) => {
        const { threshold, value } = f1Threshold(scores, labels, { falseAlarmCost: 3, missCost: 3 });
        const wanted = f1Max(scores, labels);
        expect(value).toBeCloseTo(wanted.f1, 12);
        expect(threshold).toBe(wanted.threshold);
      }),
    );
  });

  test('no other threshold has a higher F-beta; the errors are counted', () => {
    fc.assert(
      fc.property(
        samples,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        ({ scores, labels }, falseAlarmCost, missCost) => {
          const got = f1Threshold(scores, labels, { falseAlarmCost, missCost });
          const betaSquared = missCost / falseAlarmCost;
          const errors = (threshold: number): { falseAlarms: number; misses: number; value: number } => {
            const flagged = labels.filter((_, i) => scores[i]! > threshold);
            const hits = flagged.filter(Boolean).length;
            const misses = labels.filter(Boolean).length - hits;
            const falseAlarms = flagged.length - hits;
            const weighted = (1 + betaSquared) * hits;
            return { falseAlarms, misses, value: weighted / (weighted + betaSquared * misses + falseAlarms) };
          };
          const own = errors(got.threshold);
          expect([got.falseAlarms, got.misses]).toEqual([own.falseAlarms, own.misses]);
          expect(got.value).toBeCloseTo(own.value, 12);
          for (const score of [...scores, -1]) expect(errors(score).value).toBeLessThan(got.value + 1e-12);
        },
      ),
    );
  });

  test('dear misses lower the threshold, dear false alarms raise it', () => {
    const scores = [1, 2, 3, 4, 5, 6];
    const labels = [0, 1, 0, 0, 1, 1];
    expect(f1Threshold(scores, labels)).toEqual({ threshold: 4.5, value: 0.8, falseAlarms: 0, misses: 1 });
    expect(f1Threshold(scores, labels, { missCost: 10 })).toMatchObject({ threshold: 1.5, misses: 0 });
    expect(f1Threshold([1, 2, 3, 4], [0, 1, 0, 1], { falseAlarmCost: 10 })).toMatchObject({
      threshold: 3.5,
      falseAlarms: 0,
    });
  });

  test('refuses to choose from one class, or for no cost', () => {
    expect(() => f1Threshold([1, 2], [0, 0])).toThrow(/0 anomalous and 2 normal/);
    expect(() => f1Threshold([1, 2], [1, 1])).toThrow(/2 anomalous and 0 normal/);
    expect(() => f1Threshold([1, 2], [0, 1], { missCost: 0 })).toThrow(/0 \(miss\)/);
  });
});
