import { randomStream } from '@dskd/base';
import fc from 'fast-check';
import { conformalPValue, defaultSigma, quantileThreshold, toleranceLimit } from './index.js';

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

  test('refuses scores that are not finite, and an empty list', () => {
    expect(() => conformalPValue(NaN, [1])).toThrow(/NaN/);
    expect(() => conformalPValue(1, [])).toThrow(/0 scores/);
    expect(() => conformalPValue(1, [2, NaN])).toThrow(/2 scores of normal images, 1 of them/);
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
      exceeding: 0,
      confidence: expect.closeTo(1 - 0.95 ** 20, 12) as number,
    });
    expect(quantileThreshold(twenty, 0.1)).toMatchObject({ threshold: 18, exceeding: 1 });
    // Too few for 1 in 100: the highest normal score, no guarantee.
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
        const bound = guaranteed ? falseAlarmRate : smallestPossibleRate;
        for (const score of [...scores, ...scores.map((value) => value + 0.5), -1]) {
          expect(score > threshold).toBe(conformalPValue(score, scores) <= bound);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('holds its rate on new normal images', () => {
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

  test('with a confidence it is the lowest tolerance limit', () => {
    const scores = Array.from({ length: 299 }, (_, i) => i);
    // 299 images are enough for 1 % with 95 % confidence, 298 are not; 473 let one exceed (Wilks' numbers).
    expect(quantileThreshold(scores, 0.01, { confidence: 0.95 })).toMatchObject({
      threshold: 298,
      guaranteed: true,
      exceeding: 0,
      smallestPossibleRate: expect.closeTo(1 - 0.05 ** (1 / 299), 12) as number,
    });
    expect(quantileThreshold(scores.slice(1), 0.01, { confidence: 0.95 })).toMatchObject({
      threshold: 298,
      guaranteed: false,
    });
    const more = Array.from({ length: 473 }, (_, i) => i);
    expect(quantileThreshold(more, 0.01, { confidence: 0.95 })).toMatchObject({
      threshold: 471,
      exceeding: 1,
    });
    fc.assert(
      fc.property(
        normals,
        rate,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (some, falseAlarmRate, confidence) => {
          const got = quantileThreshold(some, falseAlarmRate, { confidence });
          const sure = (exceeding: number): number =>
            exceeding < some.length
              ? toleranceLimit.confidence({ normals: some.length, exceeding, falseAlarmRate })
              : 0;
          expect(got.confidence).toBe(sure(got.exceeding));
          expect(got.guaranteed).toBe(got.confidence >= confidence);
          expect(sure(got.exceeding + 1)).toBeLessThan(confidence);
          expect(some.filter((score) => score > got.threshold).length).toBeLessThanOrEqual(got.exceeding);
        },
      ),
    );
  });

  test('its confidence is how often the true rate is not exceeded', () => {
    const random = randomStream(12, 'quantile-confidence');
    const rounds = 4000;
    for (const options of [{}, { confidence: 0.9 }]) {
      let kept = 0;
      let stated = 0;
      for (let round = 0; round < rounds; round++) {
        // Uniform scores: the rate of false alarms is what lies above the threshold.
        const scores = Float64Array.from({ length: 60 }, () => random.uniform());
        const { threshold, confidence } = quantileThreshold(scores, 0.1, options);
        if (1 - threshold <= 0.1) kept++;
        stated = confidence;
      }
      expect(Math.abs(kept / rounds - stated)).toBeLessThan(4 * Math.sqrt((stated * (1 - stated)) / rounds));
    }
  });

  test('refuses rates and confidences out of range', () => {
    expect(() => quantileThreshold([1, 2], 0.1, { confidence: 1 })).toThrow(/a confidence of 1/);
    for (const bad of [0, 1, -0.1, NaN])
      expect(() => quantileThreshold([1, 2], bad)).toThrow(/false-alarm rate/);
    expect(() => quantileThreshold([], 0.1)).toThrow(/0 scores/);
  });
});
