import fc from 'fast-check';
import { auroc, averagePrecision, f1Max, PixelMetricsAccumulator, type PixelSample } from './index.js';
import { orderedKey, valueOfKey } from './ordered-keys.js';
import type { ScoreMemoryOptions } from './pixel-scores.js';
import { realisticSamples } from './realistic-samples.test.util.js';

/** All pixels that are not ignored, at once. */
function allPixels(samples: readonly PixelSample[]): { scores: number[]; labels: number[] } {
  const scores: number[] = [];
  const labels: number[] = [];
  for (const { map, mask, ignored } of samples) {
    map.forEach((score, i) => {
      if (ignored?.[i]) return;
      scores.push(score);
      labels.push(mask[i] ? 1 : 0);
    });
  }
  return { scores, labels };
}

/** Computed by the rank metrics, which other tests compare with their definitions. */
function wanted(samples: readonly PixelSample[]): number {
  const { scores, labels } = allPixels(samples);
  return auroc(scores, labels);
}

const nothing = { value: NaN, lower: NaN, upper: NaN };
const UNDEFINED = { averagePrecision: nothing, f1Max: { ...nothing, threshold: Infinity } };

function accumulated(
  samples: readonly PixelSample[],
  memory: ScoreMemoryOptions = {},
): PixelMetricsAccumulator {
  const accumulator = new PixelMetricsAccumulator(memory);
  for (const sample of samples) accumulator.add(sample);
  return accumulator;
}

const sample = fc
  .array(
    fc.record({
      score: fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, -1, 0.5)),
      anomalous: fc.constantFrom(0, 1, 236),
      ignored: fc.constantFrom(0, 0, 0, 1),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((pixels) => ({
    map: Float32Array.from(pixels, ({ score }) => score),
    mask: Uint8Array.from(pixels, ({ anomalous }) => anomalous),
    ignored: Uint8Array.from(pixels, ({ ignored }) => ignored),
  }));

test('ordered keys have the order of the floats', () => {
  const values = Float32Array.of(-Infinity, -3e38, -1, -1e-45, 0, 1e-45, 1e-20, 1, 1.0000001, 3e38);
  const keys = Array.from(new Uint32Array(values.buffer), orderedKey);
  expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
  const zeros = Array.from(new Uint32Array(Float32Array.of(0, -0).buffer), orderedKey);
  expect(zeros[0]).toBe(zeros[1]);
  expect(keys.map(valueOfKey)).toEqual([...values]);
  expect(valueOfKey(zeros[0]!)).toBe(0);
  expect(valueOfKey(zeros[0]! - 1)).toBeGreaterThan(valueOfKey(zeros[0]! - 2));
});

describe('PixelMetricsAccumulator', () => {
  test('equals the AUROC of all pixels at once', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 4 }), (samples) => {
        const { auroc: got, errorBound } = accumulated(samples).result();
        const exact = wanted(samples);
        if (Number.isNaN(exact)) expect(got).toBeNaN();
        else expect(got).toBeCloseTo(exact, 12);
        expect(errorBound).toBe(0);
      }),
    );
  });

  test('equals average precision and F1-max of all pixels at once', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 4 }), (samples) => {
        const { scores, labels } = allPixels(samples);
        const result = accumulated(samples).result();
        const exact = averagePrecision(scores, labels);
        const best = f1Max(scores, labels);
        if (Number.isNaN(exact)) expect(result).toMatchObject(UNDEFINED);
        else {
          const { value, lower, upper } = result.averagePrecision;
          expect(value).toBeCloseTo(exact, 12);
          expect([lower, upper]).toEqual([value, value]);
          expect(result.f1Max).toEqual({
            value: best.f1,
            lower: best.f1,
            upper: best.f1,
            threshold: best.threshold,
          });
        }
      }),
    );
  });

  test('scores far above 16, one float32 step apart, are not treated as ties', () => {
    for (const score of [16, 1000, 2 ** 24]) {
      const bits = Uint32Array.of(0, 0);
      const map = new Float32Array(bits.buffer);
      map[0] = score;
      bits[1] = bits[0]! + 1;
      expect(map[1]).toBeGreaterThan(score);
      const accumulator = accumulated([{ map, mask: Uint8Array.of(0, 1) }]);
      const { auroc: area, averagePrecision: precision, f1Max: best } = accumulator.result();
      expect([area, precision.value, best.value]).toEqual([1, 1, 1]);
      expect(best.threshold).toBeGreaterThanOrEqual(score);
      expect(best.threshold).toBeLessThan(map[1]!);
    }
  });

  test('all scores equal', () => {
    const map = new Float32Array(8).fill(17.25);
    const accumulator = accumulated([{ map, mask: Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0) }]);
    expect(accumulator.result()).toMatchObject({
      auroc: 0.5,
      averagePrecision: { value: 0.25 },
      f1Max: { value: 0.4 },
    });
    expect(accumulator.result().f1Max.threshold).toBeLessThan(17.25);
  });

  test('depends on the order of the scores only, not on that of the images', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(fc.tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 0, max: 1 })), {
            minLength: 1,
            maxLength: 20,
          }),
          { minLength: 1, maxLength: 4 },
        ),
        (images) => {
          const [plain, warped, shifted] = [
            (score: number) => score,
            (score: number) => score ** 3 / 64,
            (score: number) => score + 100,
          ].map((transform) =>
            images.map((pixels) => ({
              map: Float32Array.from(pixels, ([score]) => transform(score / 4)),
              mask: Uint8Array.from(pixels, ([, label]) => label),
            })),
          ) as [PixelSample[], PixelSample[], PixelSample[]];
          const ranked = (samples: PixelSample[]): unknown => {
            const { f1Max: best, ...others } = accumulated(samples).result();
            return { ...others, f1: best.value };
          };
          expect(ranked(warped)).toEqual(ranked(plain));
          expect(ranked(shifted)).toEqual(ranked(plain));
          expect(accumulated(plain.reverse()).result()).toEqual(accumulated(plain).result());
        },
      ),
    );
  });

  test('counts pixels and returns NaN without one class', () => {
    const accumulator = new PixelMetricsAccumulator();
    expect(accumulator.result()).toEqual({
      auroc: NaN,
      errorBound: 0,
      ...UNDEFINED,
      positives: 0,
      negatives: 0,
    });
    accumulator.add({ map: Float32Array.of(1, 2, 3), mask: new Uint8Array(3) });
    expect(accumulator.result()).toEqual({
      auroc: NaN,
      errorBound: 0,
      ...UNDEFINED,
      positives: 0,
      negatives: 3,
    });
    accumulator.add({ map: Float32Array.of(2, 9), mask: Uint8Array.of(1, 0), ignored: Uint8Array.of(0, 1) });
    expect(accumulator.result()).toEqual({
      auroc: 0.5,
      errorBound: 0,
      averagePrecision: { value: 1 / 3, lower: 1 / 3, upper: 1 / 3 },
      f1Max: { value: 0.5, lower: 0.5, upper: 0.5, threshold: 1.5 },
      positives: 1,
      negatives: 3,
    });
    const onlyAnomalous = accumulated([{ map: Float32Array.of(3, 2), mask: Uint8Array.of(1, 1) }]).result();
    expect(onlyAnomalous).toMatchObject({ auroc: NaN, averagePrecision: { value: 1 }, f1Max: { value: 1 } });
    const onePixel = accumulated([{ map: Float32Array.of(3), mask: Uint8Array.of(1) }]).result();
    expect(onePixel).toMatchObject({ auroc: NaN, averagePrecision: { value: 1 }, f1Max: { value: 1 } });
  });

  test('merging and conversion to and from JSON change nothing', () => {
    fc.assert(
      fc.property(sample, sample, (first, second) => {
        const merged = accumulated([first]);
        const other = accumulated([second]);
        const before = other.result();
        merged.merge(
          PixelMetricsAccumulator.fromJSON(
            JSON.parse(JSON.stringify(other)) as ReturnType<typeof other.toJSON>,
          ),
        );
        expect(merged.result()).toEqual(accumulated([first, second]).result());
        expect(merged.toJSON()).toEqual(accumulated([second, first]).toJSON());
        merged.merge(other);
        expect(other.result()).toEqual(before);
      }),
    );
  });

  test('beyond its capacity the error stays within the stated bound', () => {
    const samples = realisticSamples(6, 4000);
    const { scores, labels } = allPixels(samples);
    const exact = auroc(scores, labels);
    const exactPrecision = averagePrecision(scores, labels);
    const exactF1 = f1Max(scores, labels).f1;
    let bounds = 0;
    let precisionWidth = Infinity;
    for (const [pixelsKeptExactly, histogramBins] of [
      [0, 2 ** 14],
      [0, 2 ** 16],
      // Every anomalous pixel is kept individually, the normal ones are not.
      [2000, 2 ** 18],
    ] as const) {
      const accumulator = accumulated(samples, { pixelsKeptExactly, histogramBins });
      const { auroc: got, errorBound } = accumulator.result();
      expect(errorBound).toBeGreaterThan(0);
      expect(Math.abs(got - exact)).toBeLessThanOrEqual(errorBound);
      bounds += errorBound;
      const { averagePrecision: precision, f1Max: best } = accumulator.result();
      for (const [{ value, lower, upper }, whole] of [
        [precision, exactPrecision],
        [best, exactF1],
      ] as const) {
        expect(lower).toBeLessThanOrEqual(whole);
        expect(upper).toBeGreaterThanOrEqual(whole);
        expect(value).toBeGreaterThanOrEqual(lower);
        expect(value).toBeLessThanOrEqual(upper);
      }
      // The value is the F1 at the threshold, computed from the original scores.
      const flagged = labels.filter((_, i) => scores[i]! > best.threshold);
      const hits = flagged.filter((label) => label === 1).length;
      const positives = labels.filter((label) => label === 1).length;
      expect((2 * hits) / (flagged.length + positives)).toBe(best.value);
      // More capacity gives closer bounds.
      expect(precision.upper - precision.lower).toBeLessThan(precisionWidth);
      precisionWidth = precision.upper - precision.lower;
      const again = PixelMetricsAccumulator.fromJSON(accumulator.toJSON());
      again.merge(accumulated(samples));
      expect(Math.abs(again.result().auroc - exact)).toBeLessThanOrEqual(again.result().errorBound);
      expect(again.result().negatives).toBe(2 * accumulator.result().negatives);
    }
    expect(bounds).toBeLessThan(0.01);
    expect(precisionWidth).toBeLessThan(0.01);
  });

  test('refuses invalid input and keeps its state', () => {
    const accumulator = accumulated(realisticSamples(1, 100));
    const before = accumulator.result();
    const mask = new Uint8Array(2);
    expect(() => accumulator.add({ map: Float32Array.of(1, NaN), mask })).toThrow(/NaN at pixel 1/);
    const infinite = { name: 'test/bad/003.png', map: Float32Array.of(Infinity, 1), mask };
    expect(() => accumulator.add(infinite)).toThrow(/Infinity at pixel 0 of test\/bad\/003.png/);
    expect(() => accumulator.add({ map: new Float32Array(3), mask })).toThrow(
      /map with 3 pixels, a mask with 2/,
    );
    expect(() => accumulator.add({ map: new Float32Array(2), mask, ignored: new Uint8Array(1) })).toThrow(
      /ignore mask with 1/,
    );
    expect(accumulator.result()).toEqual(before);
    expect(() => new PixelMetricsAccumulator({ histogramBins: 100 })).toThrow(/100/);
    expect(() => new PixelMetricsAccumulator({ pixelsKeptExactly: -1 })).toThrow(/-1/);
    const state = accumulator.toJSON();
    expect(() =>
      PixelMetricsAccumulator.fromJSON({ ...state, negatives: { shift: 0, bins: 'AAAAAA==', counts: '' } }),
    ).toThrow(/damaged/);
  });
});
