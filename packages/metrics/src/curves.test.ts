import { randomStream } from '@dskd/base';
import fc from 'fast-check';
import { auroc, averagePrecision, precisionRecallCurve, rocCurve, thinCurve } from './index.js';
import { labeledScores } from './labeled-scores.test.util.js';

/** Area by the trapezoidal rule. */
function area({ x, y }: { x: readonly number[]; y: readonly number[] }): number {
  let sum = 0;
  for (let i = 1; i < x.length; i++) sum += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  return sum;
}

describe('rocCurve', () => {
  test('an example by hand', () => {
    expect(rocCurve([1, 3, 3, 5], [0, 0, 1, 1])).toEqual({
      x: [0, 0, 0.5, 1],
      y: [0, 0.5, 1, 1],
      thresholds: [Infinity, 4, 2, expect.closeTo(1, 3)],
    });
  });

  test('its points are the counted rates at all thresholds', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const { x, y, thresholds } = rocCurve(scores, labels);
        const rate = (label: number, threshold: number): number => {
          const group = scores.filter((_, i) => labels[i] === label);
          return group.filter((score) => score > threshold).length / group.length;
        };
        expect(x).toEqual(thresholds.map((threshold) => rate(0, threshold)));
        expect(y).toEqual(thresholds.map((threshold) => rate(1, threshold)));
        expect(thresholds).toHaveLength(new Set(scores).size + 1);
        expect(area({ x, y })).toBeCloseTo(auroc(scores, labels), 12);
      }),
    );
  });

  test('is undefined, and empty, without one of the classes', () => {
    const empty = { x: [], y: [], thresholds: [] };
    expect(rocCurve([1, 2], [1, 1])).toEqual(empty);
    expect(rocCurve([1, 2], [0, 0])).toEqual(empty);
    expect(rocCurve([], [])).toEqual(empty);
  });
});

describe('precisionRecallCurve', () => {
  test('examples by hand', () => {
    expect(precisionRecallCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toMatchObject({
      x: [0, 0.5, 0.5, 1, 1],
      y: [1, 1, 0.5, 2 / 3, 0.5],
    });
    expect(precisionRecallCurve([3], [1])).toMatchObject({ x: [0, 1], y: [1, 1] });
    expect(precisionRecallCurve([7, 7, 7, 7], [0, 1, 0, 0])).toMatchObject({ x: [0, 1], y: [1, 0.25] });
  });

  test('its points are precision and recall at their thresholds, and its steps sum to the average precision', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const { x, y, thresholds } = precisionRecallCurve(scores, labels);
        const positives = labels.filter((label) => label === 1).length;
        let sum = 0;
        for (let i = 1; i < x.length; i++) {
          const flagged = labels.filter((_, j) => scores[j]! > thresholds[i]!);
          const hits = flagged.filter((label) => label === 1).length;
          expect([x[i], y[i]]).toEqual([hits / positives, hits / flagged.length]);
          sum += (x[i]! - x[i - 1]!) * y[i]!;
        }
        expect(sum).toBeCloseTo(averagePrecision(scores, labels), 12);
      }),
    );
  });

  test('is undefined, and empty, without positives; without negatives every precision is 1', () => {
    expect(precisionRecallCurve([1, 2], [0, 0])).toEqual({ x: [], y: [], thresholds: [] });
    expect(precisionRecallCurve([1, 2], [1, 1])).toMatchObject({ x: [0, 0.5, 1], y: [1, 1, 1] });
  });
});

describe('thinCurve', () => {
  /** A curve from (0, 0) to (1, 1) with steps of very different size. */
  const rising = fc
    .array(fc.tuple(fc.constantFrom(0, 0, 1, 5, 300, 1e5), fc.constantFrom(0, 0, 1, 5, 300, 1e5)), {
      minLength: 1,
      maxLength: 300,
    })
    .map((steps) => {
      const x = [0];
      const y = [0];
      for (const [right, up] of [...steps, [1, 1]] as const) {
        x.push(x.at(-1)! + right);
        y.push(y.at(-1)! + up);
      }
      return { x: x.map((value) => value / x.at(-1)!), y: y.map((value) => value / y.at(-1)!) };
    });

  test('keeps the ends, has at most the requested number of points, all of them points of the curve in order', () => {
    fc.assert(
      fc.property(rising, fc.integer({ min: 2, max: 60 }), (curve, points) => {
        const thin = thinCurve(curve, points);
        expect(thin.x.length).toBeLessThanOrEqual(points);
        expect([thin.x[0], thin.y[0], thin.x.at(-1), thin.y.at(-1)]).toEqual([0, 0, 1, 1]);
        let from = 0;
        for (const [i, x] of thin.x.entries()) {
          while (from < curve.x.length && !(curve.x[from] === x && curve.y[from] === thin.y[i])) from++;
          expect(from).toBeLessThan(curve.x.length);
        }
      }),
    );
  });

  test('changes the area under a rising curve by no more than it states', () => {
    fc.assert(
      fc.property(rising, fc.integer({ min: 4, max: 60 }), (curve, points) => {
        const change = Math.abs(area(thinCurve(curve, points)) - area(curve));
        expect(change).toBeLessThanOrEqual(1 / (2 * Math.floor(points / 4)) + 1e-12);
      }),
    );
  });

  test('a curve with few points is unchanged', () => {
    fc.assert(
      fc.property(labeledScores, ({ scores, labels }) => {
        const curve = rocCurve(scores, labels);
        expect(area(thinCurve(curve))).toBeCloseTo(area(curve), 12);
        const recall = precisionRecallCurve(scores, labels);
        expect(area(thinCurve(recall))).toBeCloseTo(area(recall), 12);
      }),
    );
    // A straight line needs only its ends, and a corner needs its corner point.
    expect(thinCurve({ x: [0, 0.5, 0.75, 1], y: [0, 0.5, 0.75, 1] }, 3)).toEqual({ x: [0, 1], y: [0, 1] });
    expect(thinCurve({ x: [0, 0, 0.5, 1], y: [0, 1, 1, 1] }, 3)).toEqual({ x: [0, 0, 1], y: [0, 1, 1] });
    expect(thinCurve({ x: [0, 1], y: [0.5, 0.5] })).toEqual({ x: [0, 1], y: [0.5, 0.5] });
    expect(thinCurve({ x: [], y: [] })).toEqual({ x: [], y: [] });
  });

  test('ROC and precision-recall curves of 5000 samples keep their shape', () => {
    const random = randomStream(3, 'thin-curve');
    for (const shift of [0.5, 1.5, 3]) {
      const labels = Array.from({ length: 5000 }, () => (random.uniform() < 0.3 ? 1 : 0));
      const scores = labels.map((label) => random.normal() + shift * label);
      for (const curve of [rocCurve(scores, labels), precisionRecallCurve(scores, labels)]) {
        const thin = thinCurve(curve);
        expect(thin.x.length).toBe(200);
        expect(Math.abs(area(thin) - area(curve))).toBeLessThan(2e-4);
      }
      // The maximum distance of a point of the ROC curve from the reduced curve is one pixel in a figure of 500
      // pixels.
      const curve = rocCurve(scores, labels);
      const thin = thinCurve(curve);
      let next = 1;
      let farthest = 0;
      for (const [i, x] of curve.x.entries()) {
        const y = curve.y[i]!;
        while (x > thin.x[next]! || y > thin.y[next]!) next++;
        const [left, low, right, high] = [thin.x[next - 1]!, thin.y[next - 1]!, thin.x[next]!, thin.y[next]!];
        const triangle = Math.abs((right - left) * (y - low) - (high - low) * (x - left));
        farthest = Math.max(farthest, triangle / Math.hypot(right - left, high - low));
      }
      expect(farthest).toBeLessThan(1 / 500);
    }
  });

  test('refuses invalid curves', () => {
    expect(() => thinCurve({ x: [0, NaN], y: [0, 1] })).toThrow(/\(NaN, 1\) as point 1/);
    expect(() => thinCurve({ x: [0, 1], y: [0] })).toThrow(/2 x and 1 y/);
    expect(() => thinCurve({ x: [0, 1], y: [0, 1] }, 1)).toThrow(/1 points/);
  });
});
