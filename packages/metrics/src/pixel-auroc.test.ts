import fc from 'fast-check';
import { auroc, PixelAurocAccumulator, type PixelAurocSample } from './index.js';
import { orderedKey } from './ordered-keys.js';
import { realisticSamples } from './realistic-samples.test.util.js';

/** All pixels at once, by the rank metric (itself held against pair counting). */
function wanted(samples: readonly PixelAurocSample[]): number {
  const scores: number[] = [];
  const labels: number[] = [];
  for (const { map, mask, ignored } of samples) {
    map.forEach((score, i) => {
      if (ignored?.[i]) return;
      scores.push(score);
      labels.push(mask[i] ? 1 : 0);
    });
  }
  return auroc(scores, labels);
}

function accumulated(
  samples: readonly PixelAurocSample[],
  maxDistinctScores?: number,
): PixelAurocAccumulator {
  const accumulator = new PixelAurocAccumulator(maxDistinctScores ? { maxDistinctScores } : {});
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

test('ordered keys sort as the floats do', () => {
  const values = Float32Array.of(-Infinity, -3e38, -1, -1e-45, 0, 1e-45, 1e-20, 1, 1.0000001, 3e38);
  const keys = Array.from(new Uint32Array(values.buffer), orderedKey);
  expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
  const zeros = Array.from(new Uint32Array(Float32Array.of(0, -0).buffer), orderedKey);
  expect(zeros[0]).toBe(zeros[1]);
});

describe('PixelAurocAccumulator', () => {
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

  test('counts pixels and says NaN without one class', () => {
    const accumulator = new PixelAurocAccumulator();
    expect(accumulator.result()).toEqual({ auroc: NaN, errorBound: 0, positives: 0, negatives: 0 });
    accumulator.add({ map: Float32Array.of(1, 2, 3), mask: new Uint8Array(3) });
    expect(accumulator.result()).toEqual({ auroc: NaN, errorBound: 0, positives: 0, negatives: 3 });
    accumulator.add({ map: Float32Array.of(2, 9), mask: Uint8Array.of(1, 0), ignored: Uint8Array.of(0, 1) });
    expect(accumulator.result()).toEqual({ auroc: 0.5, errorBound: 0, positives: 1, negatives: 3 });
  });

  test('merging, and going through JSON, change nothing', () => {
    fc.assert(
      fc.property(sample, sample, (first, second) => {
        const merged = accumulated([first]);
        const other = accumulated([second]);
        const before = other.result();
        merged.merge(
          PixelAurocAccumulator.fromJSON(
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

  test('past its capacity it stays within the bound it states', () => {
    const samples = realisticSamples(6, 4000);
    const exact = wanted(samples);
    let bounds = 0;
    for (const capacity of [600, 3000, 15_000]) {
      const accumulator = accumulated(samples, capacity);
      const { auroc: got, errorBound } = accumulator.result();
      expect(errorBound).toBeGreaterThan(0);
      expect(Math.abs(got - exact)).toBeLessThanOrEqual(errorBound);
      bounds += errorBound;
      const again = PixelAurocAccumulator.fromJSON(accumulator.toJSON());
      again.merge(accumulated(samples));
      expect(Math.abs(again.result().auroc - exact)).toBeLessThanOrEqual(again.result().errorBound);
      expect(again.result().negatives).toBe(2 * accumulator.result().negatives);
    }
    expect(bounds).toBeLessThan(0.01);
  });

  test('refuses what it cannot count and stays as it was', () => {
    const accumulator = accumulated(realisticSamples(1, 100));
    const before = accumulator.result();
    const mask = new Uint8Array(2);
    expect(() => accumulator.add({ map: Float32Array.of(1, NaN), mask })).toThrow(/NaN at pixel 1/);
    expect(() => accumulator.add({ map: Float32Array.of(Infinity, 1), mask })).toThrow(/Infinity at pixel 0/);
    expect(() => accumulator.add({ map: new Float32Array(3), mask })).toThrow(/map of 3 pixels, a mask of 2/);
    expect(() => accumulator.add({ map: new Float32Array(2), mask, ignored: new Uint8Array(1) })).toThrow(
      /ignore mask of 1/,
    );
    expect(accumulator.result()).toEqual(before);
    expect(() => new PixelAurocAccumulator({ maxDistinctScores: 100 })).toThrow(/100/);
    const state = accumulator.toJSON();
    expect(() => PixelAurocAccumulator.fromJSON({ ...state, negatives: '' })).toThrow(/damaged/);
  });
});
