import { f1Max } from '@dskd/metrics';
import fc from 'fast-check';
import { costThreshold, f1Threshold } from './labeled-thresholds.js';

describe('f1Threshold', () => {
  const samples = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { minLength: 2, maxLength: 30 })
    .filter((pairs) => new Set(pairs.map(([, label]) => label)).size === 2)
    .map((pairs) => ({ scores: pairs.map(([score]) => score), labels: pairs.map(([, label]) => label) }));

  test('it is F1-max; the errors are counted', () => {
    fc.assert(
      fc.property(samples, ({ scores, labels }) => {
        const { threshold, f1, falseAlarms, misses } = f1Threshold(scores, labels);
        expect({ threshold, f1 }).toEqual(f1Max(scores, labels));
        expect(falseAlarms).toBe(scores.filter((score, i) => score > threshold && !labels[i]).length);
        expect(misses).toBe(scores.filter((score, i) => score <= threshold && labels[i]).length);
      }),
    );
  });

  test('hand case', () => {
    expect(f1Threshold([1, 2, 3, 4, 5, 6], [0, 1, 0, 0, 1, 1])).toEqual({
      threshold: 4.5,
      f1: 0.8,
      falseAlarms: 0,
      misses: 1,
    });
  });

  test('refuses to choose from one class', () => {
    expect(() => f1Threshold([1, 2], [0, 0])).toThrow(/0 anomalous and 2 normal/);
    expect(() => f1Threshold([1, 2], [1, 1])).toThrow(/2 anomalous and 0 normal/);
  });
});

describe('costThreshold', () => {
  const scores = [1, 2, 3, 4, 5, 6];
  const labels = [0, 1, 0, 0, 1, 1];

  test('a high cost of misses lowers the threshold; of false alarms, and rare defects, raise it', () => {
    const equal = { missCost: 1, falseAlarmCost: 1 };
    expect(costThreshold(scores, labels, equal)).toMatchObject({ threshold: 4.5, falseAlarms: 0, misses: 1 });
    expect(costThreshold(scores, labels, { ...equal, missCost: 10 })).toMatchObject({
      threshold: 1.5,
      misses: 0,
    });
    const rare = { missCost: 10, falseAlarmCost: 1, prevalence: 0.01 };
    expect(costThreshold(scores, labels, rare)).toMatchObject({ threshold: 4.5, misses: 1 });
  });

  test('refuses to choose from one class, or for no cost', () => {
    const costs = { missCost: 1, falseAlarmCost: 1 };
    expect(() => costThreshold([1, 2], [0, 0], costs)).toThrow(/0 anomalous and 2 normal/);
    expect(() => costThreshold([1, 2], [1, 1], costs)).toThrow(/2 anomalous and 0 normal/);
    expect(() => costThreshold([1, 2], [0, 1], { ...costs, missCost: 0 })).toThrow(/0 \(miss\)/);
  });
});
