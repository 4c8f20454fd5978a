import { randomStream } from '@dskd/base';
import { auroc, bootstrapInterval, f1Max, splitByType } from './index.js';

function drawn(seed: number, count: number, shift: number): { scores: number[]; labels: number[] } {
  const random = randomStream(seed, 'bootstrap-test');
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  return { labels, scores: labels.map((label) => random.normal() + shift * label) };
}

describe('bootstrapInterval', () => {
  test('the same seed gives the same interval, another seed another interval', () => {
    const sample = drawn(1, 60, 1);
    const first = bootstrapInterval({ ...sample, seed: 7, resamples: 200 });
    expect(bootstrapInterval({ ...sample, seed: 7, resamples: 200 })).toEqual(first);
    expect(bootstrapInterval({ ...sample, seed: 8, resamples: 200 })).not.toEqual(first);
  });

  test('contains the value and widens with the confidence', () => {
    const sample = drawn(2, 60, 1);
    const narrow = bootstrapInterval({ ...sample, confidence: 0.5 });
    const wide = bootstrapInterval({ ...sample, confidence: 0.99 });
    expect(narrow.value).toBe(auroc(sample.scores, sample.labels));
    expect(narrow.lower).toBeLessThan(narrow.value);
    expect(narrow.upper).toBeGreaterThan(narrow.value);
    expect(wide.lower).toBeLessThan(narrow.lower);
    expect(wide.upper).toBeGreaterThan(narrow.upper);
    expect(wide.upper).toBeLessThanOrEqual(1);
  });

  test('its width agrees with that of repeated draws', () => {
    const areas = Array.from({ length: 400 }, (_, i) => {
      const { scores, labels } = drawn(100 + i, 100, 1);
      return auroc(scores, labels);
    }).sort((a, b) => a - b);
    const trueWidth = areas[389]! - areas[10]!; // 2.5 % and 97.5 % of 400
    const widths = Array.from({ length: 8 }, (_, i) => {
      const { lower, upper } = bootstrapInterval({ ...drawn(900 + i, 100, 1), resamples: 300, seed: i });
      return upper - lower;
    });
    const meanWidth = widths.reduce((sum, width) => sum + width) / widths.length;
    expect(meanWidth / trueWidth).toBeGreaterThan(0.8);
    expect(meanWidth / trueWidth).toBeLessThan(1.25);
  });

  test('perfect separation and constant metrics have no spread', () => {
    expect(bootstrapInterval({ scores: [1, 2, 3, 4], labels: [0, 0, 1, 1], resamples: 50 })).toEqual({
      value: 1,
      lower: 1,
      upper: 1,
    });
    const fixed = bootstrapInterval({ scores: [3, 1], labels: [0, 1], metric: () => 0.25, resamples: 1 });
    expect(fixed).toEqual({ value: 0.25, lower: 0.25, upper: 0.25 });
  });

  test('accepts other metrics; every resample keeps the class sizes', () => {
    const sample = drawn(3, 30, 1);
    const shares = new Set<number>();
    bootstrapInterval({
      ...sample,
      resamples: 20,
      metric(_, labels) {
        shares.add(Array.from(labels).filter((label) => label === 1).length);
        return 0;
      },
    });
    expect([...shares]).toEqual([15]);
    const { value, lower } = bootstrapInterval({ ...sample, metric: (s, l) => f1Max(s, l).f1 });
    expect(value).toBe(f1Max(sample.scores, sample.labels).f1);
    expect(lower).toBeLessThan(value);
  });

  test('strata keep their sizes, and the metric can look up the drawn samples', () => {
    const strata = ['good', 'dent', 'good', 'scratch', 'dent', 'dent'];
    const sample = { scores: [1, 2, 3, 4, 5, 6], labels: [0, 1, 0, 1, 1, 1], strata };
    const seen = new Set<string>();
    const metric = (
      scores: ArrayLike<number>,
      labels: ArrayLike<number>,
      drawn: ArrayLike<number>,
    ): number => {
      const indices = Array.from(drawn);
      expect(Array.from(scores)).toEqual(indices.map((index) => sample.scores[index]));
      expect(Array.from(labels)).toEqual(indices.map((index) => sample.labels[index]));
      seen.add(
        indices
          .map((index) => strata[index])
          .sort()
          .join(),
      );
      return 0;
    };
    bootstrapInterval({ ...sample, metric, resamples: 30 });
    expect([...seen]).toEqual(['dent,dent,dent,good,good,scratch']);
    expect(() => bootstrapInterval({ ...sample, strata: ['good'] })).toThrow(/6 scores and 1 strata/);
  });

  test('a mean over types keeps its types: its interval is the interval of resampled means', () => {
    const random = randomStream(6, 'bootstrap-types');
    const strata = Array.from({ length: 90 }, (_, i) => ['good', 'dent', 'scratch'][i % 3]!);
    const labels = strata.map((type) => (type === 'good' ? 0 : 1));
    const scores = strata.map(
      (type) => random.normal() + (type === 'dent' ? 3 : type === 'scratch' ? 0.5 : 0),
    );
    const metric = (
      drawnScores: ArrayLike<number>,
      drawnLabels: ArrayLike<number>,
      drawn: ArrayLike<number>,
    ): number => {
      const types = Array.from(drawn, (index) => strata[index]!);
      const splits = [...splitByType({ scores: drawnScores, labels: drawnLabels, types }).values()];
      return splits.reduce((sum, split) => sum + auroc(split.scores, split.labels), 0) / splits.length;
    };
    const { value, lower, upper } = bootstrapInterval({ scores, labels, strata, metric, resamples: 100 });
    const dents = splitByType({ scores, labels, types: strata }).get('dent')!;
    expect(value).toBeLessThan(auroc(dents.scores, dents.labels));
    expect(lower).toBeLessThan(value);
    expect(upper).toBeGreaterThan(value);
  });

  test('is NaN where the metric is undefined', () => {
    expect(bootstrapInterval({ scores: [1, 2], labels: [0, 0], resamples: 5 })).toEqual({
      value: NaN,
      lower: NaN,
      upper: NaN,
    });
  });

  test('refuses arguments out of range', () => {
    const sample = { scores: [1, 2], labels: [0, 1] };
    expect(() => bootstrapInterval({ ...sample, confidence: 1 })).toThrow(/confidence 1/);
    expect(() => bootstrapInterval({ ...sample, resamples: 0 })).toThrow(/0 resamples/);
    expect(() => bootstrapInterval({ scores: [NaN, 2], labels: [0, 1], metric: () => 1 })).toThrow(
      /NaN as score 0/,
    );
  });
});
