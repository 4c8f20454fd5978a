import { isDskdError, randomStream } from '@dskd/base';
import { readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import {
  auroc,
  averagePrecision,
  bootstrapInterval,
  costWeightedThreshold,
  f1Max,
  ratesAt,
  operatingPoints,
  precisionRecallCurve,
  rocCurve,
  splitByType,
  type Labels,
} from './index.js';
import { labeledScores } from './labeled-scores.test.util.js';

/** Reference implementations of the definitions, pair by pair and threshold by threshold. */
const oracle = {
  auroc(scores: readonly number[], labels: readonly number[]): number {
    let sum = 0;
    let pairs = 0;
    for (let i = 0; i < scores.length; i++) {
      for (let j = 0; j < scores.length; j++) {
        if (labels[i] !== 1 || labels[j] !== 0) continue;
        pairs++;
        sum += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
      }
    }
    return sum / pairs;
  },
  counts(scores: readonly number[], labels: readonly number[], threshold: number) {
    const flagged = labels.filter((_, i) => scores[i]! >= threshold);
    return { hits: flagged.filter((label) => label === 1).length, flagged: flagged.length };
  },
  averagePrecision(scores: readonly number[], labels: readonly number[]): number {
    const positives = labels.filter((label) => label === 1).length;
    let recall = 0;
    let sum = 0;
    for (const threshold of [...new Set(scores)].sort((a, b) => b - a)) {
      const { hits, flagged } = oracle.counts(scores, labels, threshold);
      sum += (hits / positives - recall) * (hits / flagged);
      recall = hits / positives;
    }
    return sum;
  },
  f1(scores: readonly number[], labels: readonly number[]): number {
    const positives = labels.filter((label) => label === 1).length;
    return Math.max(
      ...scores.map((threshold) => {
        const { hits, flagged } = oracle.counts(scores, labels, threshold);
        return (2 * hits) / (flagged + positives);
      }),
    );
  },
};

/** All results that depend only on the order of the scores, so without thresholds. */
function everyMetric(scores: ArrayLike<number>, labels: Labels): unknown {
  const { falseAlarms, misses, cost } = costWeightedThreshold(scores, labels, {
    missCost: 5,
    falseAlarmCost: 2,
    prevalence: 0.1,
  });
  const rates = ({ truePositiveRate, falsePositiveRate }: ReturnType<typeof ratesAt>): number[] => [
    truePositiveRate,
    falsePositiveRate,
  ];
  const points = ({ x, y }: ReturnType<typeof rocCurve>): unknown => ({ x, y });
  return {
    auroc: auroc(scores, labels),
    averagePrecision: averagePrecision(scores, labels),
    f1: f1Max(scores, labels).f1,
    cost: { falseAlarms, misses, cost },
    falsePositiveRate: rates(ratesAt(scores, labels, { truePositiveRate: 0.9 })),
    truePositiveRate: rates(ratesAt(scores, labels, { falsePositiveRate: 0.1 })),
    roc: points(rocCurve(scores, labels)),
    precisionRecall: points(precisionRecallCurve(scores, labels)),
  };
}

describe('rank metrics', () => {
  test('examples by hand', () => {
    const labels = [0, 0, 1, 1];
    expect(auroc([1, 2, 3, 4], labels)).toBe(1);
    expect(auroc([4, 3, 2, 1], labels)).toBe(0);
    expect(auroc([1, 3, 2, 4], labels)).toBe(0.75);
    expect(auroc([5, 5, 5, 5], labels)).toBe(0.5);
    expect(auroc([1, 2, 2, 3], labels)).toBe(0.875);
    // scikit-learn's documentation: 0.83.
    expect(averagePrecision([0.1, 0.4, 0.35, 0.8], labels)).toBeCloseTo(5 / 6, 12);
    expect(averagePrecision([5, 5, 5, 5], labels)).toBe(0.5);
    expect(f1Max([1, 3, 2, 4], labels)).toEqual({ f1: 0.8, threshold: 1.5 });
    expect(f1Max([1, 2, 3, 4], [false, false, true, true])).toEqual({ f1: 1, threshold: 2.5 });
  });

  test('agree with scipy and with formulas in numpy', async () => {
    const golden = await readGolden(new URL('../test/fixtures/metrics.safetensors', import.meta.url));
    for (const name of ['distinct', 'ties', 'many-ties', 'inverted']) {
      const scores = golden.array(`${name}.scores`).data;
      const labels = golden.array(`${name}.labels`).data;
      const [area, precision, f1] = golden.array(`${name}.values`).data;
      expect(auroc(scores, labels)).toBeCloseTo(area!, 12);
      expect(averagePrecision(scores, labels)).toBeCloseTo(precision!, 12);
      expect(f1Max(scores, labels).f1).toBeCloseTo(f1!, 12);
    }
  });

  test('agree with the slow oracle, ties included', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        expect(auroc(scores, labels)).toBeCloseTo(oracle.auroc(scores, labels), 12);
        expect(averagePrecision(scores, labels)).toBeCloseTo(oracle.averagePrecision(scores, labels), 12);
        expect(f1Max(scores, labels).f1).toBeCloseTo(oracle.f1(scores, labels), 12);
      }),
    );
  });

  test('depend on the order of the scores only', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const wanted = everyMetric(scores, labels);
        for (const warp of [Math.exp, (score: number) => score ** 3, (score: number) => score + 1e6]) {
          expect(everyMetric(scores.map(warp), labels)).toEqual(wanted);
        }
      }),
    );
  });

  test('are from 0 to 1', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const roc = rocCurve(scores, labels);
        const precisionRecall = precisionRecallCurve(scores, labels);
        const values = [
          auroc(scores, labels),
          averagePrecision(scores, labels),
          f1Max(scores, labels).f1,
          ...[roc, precisionRecall].flatMap(({ x, y }) => [...x, ...y]),
        ];
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...values)).toBeLessThanOrEqual(1);
        for (const rising of [roc.x, roc.y, precisionRecall.x]) {
          expect(rising).toEqual([...rising].sort((a, b) => a - b));
        }
      }),
    );
  });

  test('float32 scores far above 16, one step apart, are not ties', () => {
    for (const score of [16, 17.3, 1000, 2 ** 24, -1e9]) {
      const bits = new Uint32Array(Float32Array.of(score, score).buffer);
      bits[1]! += score > 0 ? 1 : -1;
      const scores = new Float32Array(bits.buffer);
      expect(auroc(scores, [0, 1])).toBe(1);
      const { f1, threshold } = f1Max(scores, [0, 1]);
      expect(f1).toBe(1);
      expect([scores[0]! > threshold, scores[1]! > threshold]).toEqual([false, true]);
    }
  });

  test('do not depend on the order of the samples', () => {
    fc.assert(
      fc.property(labeledScores, fc.integer(), ({ scores, labels }, seed) => {
        const order = randomStream(seed, 'order').shuffle([...scores.keys()]);
        const mixed = [order.map((i) => scores[i]!), order.map((i) => labels[i]!)] as const;
        expect(everyMetric(...mixed)).toEqual(everyMetric(scores, labels));
        expect(f1Max(...mixed)).toEqual(f1Max(scores, labels));
      }),
    );
  });

  test('swapped labels or negated scores change the AUROC to 1 - AUROC', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const area = auroc(scores, labels);
        expect(
          auroc(
            scores,
            labels.map((label) => 1 - label),
          ),
        ).toBeCloseTo(1 - area, 12);
        expect(
          auroc(
            scores.map((score) => -score),
            labels,
          ),
        ).toBeCloseTo(1 - area, 12);
      }),
    );
  });

  test('the F1 threshold gives that F1, with > and with >=', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const { f1, threshold } = f1Max(scores, labels);
        const positives = labels.filter((label) => label === 1).length;
        for (const isFlagged of [(s: number) => s > threshold, (s: number) => s >= threshold]) {
          const flagged = labels.filter((_, i) => isFlagged(scores[i]!));
          const hits = flagged.filter((label) => label === 1).length;
          expect((2 * hits) / (flagged.length + positives)).toBe(f1);
        }
      }),
    );
  });

  test('the threshold separates neighboring doubles', () => {
    const low = 1 - Number.EPSILON / 2;
    const { threshold } = f1Max([low, 1], [0, 1]);
    expect(threshold).toBeGreaterThanOrEqual(low);
    expect(threshold).toBeLessThan(1);
  });

  test('of equally good thresholds, returns the one that flags fewest samples', () => {
    // One flagged: 2 * 1 / (1 + 2). Four flagged: 2 * 2 / (4 + 2).
    expect(f1Max([9, 8, 7, 6, 5], [1, 0, 0, 1, 0]).threshold).toBe(8.5);
  });
});

describe('undefined metrics', () => {
  test('without positives, no sample is flagged', () => {
    const labels = [0, 0, 0];
    expect(auroc([1, 2, 3], labels)).toBeNaN();
    expect(averagePrecision([1, 2, 3], labels)).toBeNaN();
    expect(f1Max([1, 2, 3], labels)).toEqual({ f1: NaN, threshold: Infinity });
  });

  test('without negatives', () => {
    const labels = [1, 1, 1];
    expect(auroc([1, 2, 3], labels)).toBeNaN();
    expect(averagePrecision([1, 2, 3], labels)).toBe(1);
    const { f1, threshold } = f1Max([1, 2, 3], labels);
    expect(f1).toBe(1);
    expect(threshold).toBeLessThan(1);
    expect(threshold).toBeGreaterThan(0.99);
  });

  test('one sample', () => {
    expect(auroc([3], [1])).toBeNaN();
    expect(averagePrecision([3], [1])).toBe(1);
    expect(f1Max([3], [1]).f1).toBe(1);
    expect(f1Max([3], [0])).toEqual({ f1: NaN, threshold: Infinity });
  });

  test('all scores equal: flag all or none', () => {
    const scores = [17.25, 17.25, 17.25, 17.25];
    const labels = [1, 0, 0, 0];
    expect(everyMetric(scores, labels)).toMatchObject({
      auroc: 0.5,
      averagePrecision: 0.25,
      f1: 0.4,
      falsePositiveRate: [1, 1],
      truePositiveRate: [0, 0],
      roc: { x: [0, 1], y: [0, 1] },
      precisionRecall: { x: [0, 1], y: [1, 0.25] },
    });
    expect(f1Max(scores, labels).threshold).toBeLessThan(17.25);
  });

  test('without samples', () => {
    expect(auroc([], [])).toBeNaN();
    expect(averagePrecision([], [])).toBeNaN();
    expect(f1Max([], [])).toEqual({ f1: NaN, threshold: Infinity });
    expect(operatingPoints([], [])).toEqual([{ threshold: Infinity, truePositives: 0, falsePositives: 0 }]);
  });

  test.each([
    ['NaN', [1, NaN], [0, 1], 'invalid-argument', /NaN as score 1/],
    ['infinity', [-Infinity, 2], [0, 1], 'invalid-argument', /-Infinity as score 0/],
    ['a strange label', [1, 2], [0, 2], 'invalid-argument', /2 as label 1/],
    ['too few labels', [1, 2], [0], 'shape-mismatch', /2 scores and 1 labels/],
  ] as const)('refuses %s', (_, scores, labels, code, message) => {
    for (const metric of [
      auroc,
      averagePrecision,
      f1Max,
      operatingPoints,
      rocCurve,
      precisionRecallCurve,
      (s: readonly number[], l: readonly number[]) => ratesAt(s, l, { truePositiveRate: 0.5 }),
      (s: readonly number[], l: readonly number[]) => ratesAt(s, l, { falsePositiveRate: 0.5 }),
      (s: readonly number[], l: readonly number[]) =>
        costWeightedThreshold(s, l, { missCost: 1, falseAlarmCost: 1 }),
      (s: readonly number[], l: readonly number[]) => bootstrapInterval({ scores: s, labels: l }),
      (s: readonly number[], l: readonly number[]) =>
        splitByType({ scores: s, labels: l, types: s.map(String) }),
    ]) {
      let caught: unknown;
      try {
        metric(scores, labels);
      } catch (error) {
        caught = error;
      }
      expect(isDskdError(caught, code)).toBe(true);
      expect((caught as Error).message).toMatch(message);
    }
  });
});

test('operating points go from no flagged samples to all of them, with tied scores together', () => {
  expect(
    operatingPoints([1, 3, 3, 5], [0, 0, 1, 1]).map(({ threshold, ...counts }) => ({
      ...counts,
      threshold: Math.round(threshold * 1e3) / 1e3,
    })),
  ).toEqual([
    { threshold: Infinity, truePositives: 0, falsePositives: 0 },
    { threshold: 4, truePositives: 1, falsePositives: 0 },
    { threshold: 2, truePositives: 2, falsePositives: 1 },
    { threshold: 1, truePositives: 2, falsePositives: 2 },
  ]);
});
