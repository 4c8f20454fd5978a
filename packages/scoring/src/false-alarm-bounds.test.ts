import { readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import { quantileThreshold } from './conformal.js';
import { falseAlarmBound, falseAlarmConfidence, requiredCalibrationSize } from './false-alarm-bounds.js';

const counts = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 399 }))
  .filter(([normals, exceeding]) => exceeding < normals)
  .map(([normals, exceeding]) => ({ normals, exceeding }));
const share = fc.double({ min: 0.001, max: 0.999, noNaN: true });

test("confidence and bound are scipy's Beta distribution", async () => {
  const golden = await readGolden(new URL('../test/fixtures/scoring.safetensors', import.meta.url));
  const { data: table } = golden.array('promises');
  const { data: confidences } = golden.array('promises.confidence');
  const { data: bounds } = golden.array('promises.bound');
  expect(confidences.length).toBeGreaterThan(90);
  for (const [i, wanted] of confidences.entries()) {
    const [normals, exceeding, falseAlarmRate] = table.slice(3 * i, 3 * i + 3) as unknown as [
      number,
      number,
      number,
    ];
    const got = falseAlarmConfidence({ normals, exceeding, falseAlarmRate });
    expect(Math.abs(got - wanted)).toBeLessThan(1e-11);
    const bound = falseAlarmBound({ normals, exceeding });
    expect(Math.abs(bound / bounds[i]! - 1)).toBeLessThan(1e-9);
  }
});

test('with the highest score as threshold it is 1 - (1 - r)^n', () => {
  expect(falseAlarmConfidence({ normals: 20, exceeding: 0, falseAlarmRate: 0.05 })).toBeCloseTo(
    1 - 0.95 ** 20,
    14,
  );
  // The lowest of all exceeds nothing but itself: r^n.
  expect(falseAlarmConfidence({ normals: 3, exceeding: 2, falseAlarmRate: 0.9 })).toBeCloseTo(0.729, 14);
});

test('bound and confidence are inverse functions', () => {
  fc.assert(
    fc.property(counts, share, (given, confidence) => {
      const falseAlarmRate = falseAlarmBound({ ...given, confidence });
      expect(falseAlarmConfidence({ ...given, falseAlarmRate })).toBeCloseTo(confidence, 9);
    }),
  );
});

test('more images, or fewer above the threshold, give a higher confidence', () => {
  fc.assert(
    fc.property(counts, share, (given, falseAlarmRate) => {
      const sure = falseAlarmConfidence({ ...given, falseAlarmRate });
      const more = falseAlarmConfidence({ ...given, normals: given.normals + 1, falseAlarmRate });
      expect(more).toBeGreaterThanOrEqual(sure - 1e-12);
      if (given.exceeding > 0) {
        const fewer = falseAlarmConfidence({ ...given, exceeding: given.exceeding - 1, falseAlarmRate });
        expect(fewer).toBeGreaterThanOrEqual(sure - 1e-12);
      }
      expect(sure).toBeGreaterThanOrEqual(0);
      expect(sure).toBeLessThanOrEqual(1);
    }),
  );
});

describe('requiredCalibrationSize', () => {
  test('calibration sizes for a rate of 1 %', () => {
    expect(requiredCalibrationSize({ falseAlarmRate: 0.01 })).toBe(99);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.05 })).toBe(19);
    // Wilks' classical numbers.
    expect(requiredCalibrationSize({ falseAlarmRate: 0.01, confidence: 0.95 })).toBe(299);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.05, confidence: 0.95 })).toBe(59);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.1, confidence: 0.95 })).toBe(29);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.001, confidence: 0.95 })).toBe(2995);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.1, confidence: 0.9 })).toBe(22);
    expect(requiredCalibrationSize({ falseAlarmRate: 0.05, confidence: 0.95, exceeding: 1 })).toBe(93);
  });

  test('the number is sufficient and one fewer is not', () => {
    fc.assert(
      fc.property(share, share, fc.integer({ min: 0, max: 5 }), (falseAlarmRate, confidence, exceeding) => {
        const normals = requiredCalibrationSize({ falseAlarmRate, confidence, exceeding });
        const sure = (count: number): number =>
          count > exceeding ? falseAlarmConfidence({ normals: count, exceeding, falseAlarmRate }) : 0;
        expect(sure(normals)).toBeGreaterThanOrEqual(confidence);
        expect(sure(normals - 1)).toBeLessThan(confidence);
      }),
    );
  });

  test('on average it is what quantileThreshold guarantees', () => {
    for (const falseAlarmRate of [0.5, 0.29, 0.1, 0.05, 1 / 7, 0.01]) {
      const normals = requiredCalibrationSize({ falseAlarmRate });
      expect(quantileThreshold(new Float32Array(normals), falseAlarmRate).guaranteed).toBe(true);
      if (normals > 1) {
        expect(quantileThreshold(new Float32Array(normals - 1), falseAlarmRate).guaranteed).toBe(false);
      }
    }
  });

  test('a rate of one in a billion is found', () => {
    expect(requiredCalibrationSize({ falseAlarmRate: 1e-9, confidence: 0.95 })).toBeCloseTo(2995732272, -3);
  });
});

test('refuses counts, rates and confidences out of range', () => {
  const given = { normals: 10, exceeding: 0, falseAlarmRate: 0.1 };
  expect(() => falseAlarmConfidence({ ...given, normals: 0 })).toThrow(/0 of 0 normal images/);
  expect(() => falseAlarmConfidence({ ...given, exceeding: 10 })).toThrow(/10 of 10/);
  expect(() => falseAlarmConfidence({ ...given, exceeding: 1.5 })).toThrow(/1.5 of 10/);
  expect(() => falseAlarmConfidence({ ...given, falseAlarmRate: 0 })).toThrow(/false-alarm rate of 0/);
  expect(() => falseAlarmBound({ ...given, confidence: 1 })).toThrow(/confidence of 1/);
  expect(() => requiredCalibrationSize({ falseAlarmRate: 1 })).toThrow(/false-alarm rate of 1/);
  expect(() => requiredCalibrationSize({ falseAlarmRate: 0.1, confidence: NaN })).toThrow(
    /confidence of NaN/,
  );
  expect(() => requiredCalibrationSize({ falseAlarmRate: 0.1, exceeding: -1 })).toThrow(/-1 of 0/);
});
