import fc from 'fast-check';
import { costWeightedThreshold, ratesAt, splitByType, auroc } from './index.js';
import { labeledScores } from './labeled-scores.test.util.js';

/** Fractions of both classes with a score above the threshold. */
function rates(scores: readonly number[], labels: readonly number[], threshold: number): [number, number] {
  return [1, 0].map((label) => {
    const group = scores.filter((_, i) => labels[i] === label);
    return group.filter((score) => score > threshold).length / group.length;
  }) as [number, number];
}

/** One threshold in every gap between scores, and one beyond each end. */
function everyThreshold(scores: readonly number[]): number[] {
  return [...scores, ...scores.map((score) => score - 0.01)];
}

describe('ratesAt', () => {
  test('examples by hand', () => {
    const scores = [1, 2, 3, 4, 5, 6];
    const labels = [0, 1, 0, 0, 1, 1];
    expect(ratesAt(scores, labels, { truePositiveRate: 0.6 })).toEqual({
      threshold: 4.5,
      truePositiveRate: 2 / 3,
      falsePositiveRate: 0,
    });
    expect(ratesAt(scores, labels, { truePositiveRate: 0.95 })).toEqual({
      threshold: 1.5,
      truePositiveRate: 1,
      falsePositiveRate: 2 / 3,
    });
    expect(ratesAt(scores, labels, { truePositiveRate: 0 }).threshold).toBe(Infinity);
    expect(ratesAt(scores, labels, { falsePositiveRate: 0 })).toEqual({
      threshold: 4.5,
      truePositiveRate: 2 / 3,
      falsePositiveRate: 0,
    });
    // One of three may be flagged, but that gives no additional true positives.
    expect(ratesAt(scores, labels, { falsePositiveRate: 0.4 }).threshold).toBe(4.5);
    // 29 of 100 is a rate of 0.29.
    const hundred = Array.from({ length: 101 }, (_, i) => i);
    const oneNegative = hundred.map((i) => (i === 0 ? 0 : 1));
    const reached = ratesAt(hundred, oneNegative, { truePositiveRate: 0.29 });
    expect(reached.truePositiveRate).toBe(0.29);
  });

  test('no threshold does better, and the rates are those of the threshold', () => {
    fc.assert(
      fc.property(labeledScores, fc.double({ min: 0, max: 1, noNaN: true }), ({ scores, labels }, wanted) => {
        const all = everyThreshold(scores).map((threshold) => rates(scores, labels, threshold));
        const low = ratesAt(scores, labels, { truePositiveRate: wanted });
        expect(rates(scores, labels, low.threshold)).toEqual([low.truePositiveRate, low.falsePositiveRate]);
        const reaching = all.filter(([found]) => found >= wanted).map(([, alarms]) => alarms);
        expect(low.falsePositiveRate).toBe(wanted === 0 ? 0 : Math.min(...reaching));
        const high = ratesAt(scores, labels, { falsePositiveRate: wanted });
        expect(rates(scores, labels, high.threshold)).toEqual([
          high.truePositiveRate,
          high.falsePositiveRate,
        ]);
        const allowed = all.filter(([, alarms]) => alarms <= wanted).map(([found]) => found);
        expect(high.truePositiveRate).toBe(Math.max(0, ...allowed));
      }),
    );
  });

  test('is undefined without one of the classes', () => {
    const nothing = { threshold: Infinity, truePositiveRate: NaN, falsePositiveRate: NaN };
    for (const labels of [
      [1, 1],
      [0, 0],
    ]) {
      expect(ratesAt([1, 2], labels, { truePositiveRate: 0.9 })).toEqual(nothing);
      expect(ratesAt([1, 2], labels, { falsePositiveRate: 0.9 })).toEqual(nothing);
    }
  });

  test('refuses rates out of range', () => {
    expect(() => ratesAt([1], [1], { truePositiveRate: 1.1 })).toThrow(/rate of 1.1/);
    expect(() => ratesAt([1], [1], { falsePositiveRate: NaN })).toThrow(/rate of NaN/);
  });
});

describe('splitByType', () => {
  test('each type is compared with all normal samples, never with other types', () => {
    const splits = splitByType({
      scores: [1, 5, 2, 0, 4],
      labels: [0, 1, 0, 1, 1],
      types: ['good', 'scratch', 'good', 'dent', 'scratch'],
    });
    expect([...splits]).toEqual([
      ['scratch', { scores: [5, 4, 1, 2], labels: [1, 1, 0, 0] }],
      ['dent', { scores: [0, 1, 2], labels: [1, 0, 0] }],
    ]);
    expect([...splits.values()].map((split) => auroc(split.scores, split.labels))).toEqual([1, 0]);
  });

  test('without anomalous samples the result is empty; without normal ones the AUROC is NaN', () => {
    expect(splitByType({ scores: [1], labels: [0], types: ['good'] }).size).toBe(0);
    const [split] = splitByType({ scores: [1], labels: [true], types: ['__proto__'] }).values();
    expect(auroc(split!.scores, split!.labels)).toBeNaN();
  });

  test('refuses invalid samples by name', () => {
    const names = ['test/good/000.png', 'test/dent/000.png'];
    const sample = { labels: [0, 1], types: ['good', 'dent'], names };
    expect(() => splitByType({ ...sample, scores: [1, NaN] })).toThrow(
      /NaN as score 1 \(test\/dent\/000.png\)/,
    );
    expect(() => splitByType({ ...sample, scores: [-Infinity, 2] })).toThrow(
      /-Infinity as score 0 \(test\/good\/000.png\)/,
    );
    expect(() => splitByType({ ...sample, scores: [1, 2], labels: [0, 7] })).toThrow(
      /7 as label 1 \(test\/dent\/000.png\)/,
    );
    expect(() => splitByType({ ...sample, scores: [1, 2], types: ['dent'] })).toThrow(/2 scores and 1 types/);
    expect(() => splitByType({ ...sample, scores: [1, 2], names: ['a'] })).toThrow(/2 scores and 1 names/);
  });
});

describe('costWeightedThreshold', () => {
  const cost = fc.integer({ min: 1, max: 20 });

  test('examples by hand', () => {
    const scores = [1, 2, 3, 4, 5, 6];
    const labels = [0, 1, 0, 0, 1, 1];
    // One miss or two false alarms: a cost of 1/6 or 2/6.
    const equal = costWeightedThreshold(scores, labels, { missCost: 1, falseAlarmCost: 1 });
    expect(equal).toEqual({ threshold: 4.5, cost: 1 / 6, falseAlarms: 0, misses: 1 });
    const dear = costWeightedThreshold(scores, labels, { missCost: 5, falseAlarmCost: 1 });
    expect(dear).toEqual({ threshold: 1.5, cost: 2 / 6, falseAlarms: 2, misses: 0 });
    // With a prevalence of 0.01, missing a third of the defects costs less than flagging two thirds of the normal
    // samples.
    const rare = costWeightedThreshold(scores, labels, { missCost: 5, falseAlarmCost: 1, prevalence: 0.01 });
    expect(rare).toMatchObject({ threshold: 4.5, falseAlarms: 0, misses: 1 });
    expect(rare.cost).toBeCloseTo((0.01 * 5) / 3, 12);
  });

  test('no other threshold costs less, and the errors are counted', () => {
    fc.assert(
      fc.property(
        labeledScores,
        cost,
        cost,
        fc.option(fc.double({ min: 0.001, max: 0.999, noNaN: true }), { nil: undefined }),
        ({ scores, labels }, missCost, falseAlarmCost, prevalence) => {
          const got = costWeightedThreshold(scores, labels, {
            missCost,
            falseAlarmCost,
            ...(prevalence !== undefined && { prevalence }),
          });
          const positives = labels.filter((label) => label === 1).length;
          const share = prevalence ?? positives / labels.length;
          const costOf = (threshold: number): number => {
            const [found, alarms] = rates(scores, labels, threshold);
            return share * missCost * (1 - found) + (1 - share) * falseAlarmCost * alarms;
          };
          expect(costOf(got.threshold)).toBeCloseTo(got.cost, 12);
          const [found, alarms] = rates(scores, labels, got.threshold);
          expect(got.misses).toBe(Math.round((1 - found) * positives));
          expect(got.falseAlarms).toBe(Math.round(alarms * (labels.length - positives)));
          for (const other of [Infinity, ...everyThreshold(scores)]) {
            expect(costOf(other)).toBeGreaterThan(got.cost - 1e-12);
          }
          // Only the ratio of the costs matters.
          const doubled = { missCost: 2 * missCost, falseAlarmCost: 2 * falseAlarmCost };
          expect(
            costWeightedThreshold(scores, labels, {
              ...doubled,
              ...(prevalence !== undefined && { prevalence }),
            }),
          ).toEqual({ ...got, cost: 2 * got.cost });
        },
      ),
    );
  });

  test('of thresholds with equal costs, returns the one that flags fewest samples', () => {
    // A miss costs three false alarms: both ends of 3, 2, 1 cost 3.
    const got = costWeightedThreshold([4, 3, 2, 1], [0, 0, 0, 1], { missCost: 3, falseAlarmCost: 1 });
    expect(got).toMatchObject({ threshold: Infinity, falseAlarms: 0, misses: 1 });
  });

  test('flags no samples where the threshold is undefined', () => {
    const costs = { missCost: 1, falseAlarmCost: 1 };
    const nothing = { threshold: Infinity, cost: NaN, falseAlarms: 0 };
    expect(costWeightedThreshold([1, 2], [0, 0], costs)).toEqual({ ...nothing, misses: 0 });
    expect(costWeightedThreshold([1, 2], [1, 1], costs)).toEqual({ ...nothing, misses: 2 });
    expect(costWeightedThreshold([], [], costs)).toEqual({ ...nothing, misses: 0 });
  });

  test('refuses costs and prevalences out of range', () => {
    const sample = [
      [1, 2],
      [0, 1],
    ] as const;
    const costs = { missCost: 1, falseAlarmCost: 1 };
    expect(() => costWeightedThreshold(...sample, { ...costs, missCost: 0 })).toThrow(/0 \(miss\)/);
    expect(() => costWeightedThreshold(...sample, { ...costs, falseAlarmCost: Infinity })).toThrow(
      /Infinity \(false alarm\)/,
    );
    expect(() => costWeightedThreshold(...sample, { ...costs, prevalence: 1 })).toThrow(/prevalence of 1/);
  });
});
