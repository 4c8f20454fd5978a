import fc from 'fast-check';
import { SproAccumulator, type SproResult, type SproSample } from './index.js';
import { limitedArea, slowCurve } from './overlap-oracle.test.util.js';
import { accumulated, expectSame, sproSamples, values } from './overlap-samples.test.util.js';
import { SPRO_LIMITS, type SproState } from './spro.js';

/** An image of one row. Regions are lists of pixels. */
function row(
  name: string,
  subset: string,
  scores: readonly number[],
  regions: readonly { pixels: readonly number[]; saturationArea: number; defectType?: string }[] = [],
): SproSample {
  return {
    name,
    subset,
    map: Float32Array.from(scores),
    width: scores.length,
    height: 1,
    regions: regions.map(({ pixels, ...region }) => ({
      ...region,
      mask: Uint8Array.from(scores, (_, i) => (pixels.includes(i) ? 236 : 0)),
    })),
  };
}

const good = row('good/000', 'good', [0.1, 0.2, 0.3, 0.4]);
const broken = row('logical/000', 'logical', [0.9, 0.35, 0.1, 0.1], [{ pixels: [0, 1], saturationArea: 2 }]);
const areas = (accumulator: SproAccumulator, subset: string): number[] =>
  accumulator.result().subsets[subset]!.limits.map(({ value }) => value);

describe('edge cases', () => {
  test('without images, or without anomalous ones, there are no subsets', () => {
    expect(new SproAccumulator().result()).toEqual({ subsets: {} });
    expect(accumulated([good]).result()).toEqual({ subsets: {} });
  });

  test('without good images, the background is that of the anomalous ones', () => {
    // 0.9 and 0.35 are both above all 2 background pixels, so the overlap is 1 from the start.
    expect(areas(accumulated([broken]), 'logical')).toEqual([1, 1, 1, 1, 1]);
    const { subsets } = accumulated([broken]).result();
    expect(subsets.logical).toMatchObject({ regions: 1, backgroundPixels: 2, byDefect: {} });
  });

  test('an example by hand', () => {
    // Background 0.1 0.2 0.3 0.4 0.1 0.1: 0.9 is above all of it, 0.35 is below one of six.
    const accumulator = accumulated([good, broken], { limits: [1 / 6, 0.25, 1] });
    const [first, second, whole] = areas(accumulator, 'logical');
    expect(first).toBeCloseTo(0.5, 12);
    expect(second).toBeCloseTo((1 / 6 / 2 + 1 / 12) / 0.25, 12);
    expect(whole).toBeCloseTo(1 - 1 / 12, 12);
    expect(accumulator.result().subsets.logical!.curve).toEqual({
      x: [0, 0, 1 / 6, 1 / 6, 1],
      y: [0, 0.5, 0.5, 1, 1],
    });
  });

  test('all scores equal give a straight line from (0, 0) to (1, 1)', () => {
    const flat = row('a', 'logical', [3, 3, 3, 3], [{ pixels: [1], saturationArea: 1 }]);
    const accumulator = accumulated([row('g', 'good', [3, 3]), flat]);
    areas(accumulator, 'logical').forEach((area, i) => {
      expect(area).toBeCloseTo(SPRO_LIMITS[i]! / 2, 12);
    });
    expect(accumulator.result().subsets.logical!.curve).toEqual({ x: [0, 1], y: [0, 1] });
  });

  test('one pixel: NaN without background, 1 or 0 with it', () => {
    const one = (score: number): SproSample =>
      row('a', 'logical', [score], [{ pixels: [0], saturationArea: 1 }]);
    const alone = accumulated([one(1)]).result().subsets.logical!;
    expect(alone.limits.every(({ value, lower, upper }) => [value, lower, upper].every(Number.isNaN))).toBe(
      true,
    );
    expect(alone.curve).toEqual({ x: [], y: [] });
    expect(areas(accumulated([row('g', 'good', [0.5]), one(1)]), 'logical')).toEqual([1, 1, 1, 1, 1]);
    expect(areas(accumulated([row('g', 'good', [0.5]), one(0)]), 'logical')).toEqual([0, 0, 0, 0, 0]);
    const tied = areas(accumulated([row('g', 'good', [0.5]), one(0.5)], { limits: [1] }), 'logical');
    expect(tied).toEqual([0.5]);
  });

  test('-0 equals 0', () => {
    const tied = [row('g', 'good', [-0]), row('a', 'logical', [0], [{ pixels: [0], saturationArea: 1 }])];
    expect(areas(accumulated(tied, { limits: [1] }), 'logical')).toEqual([0.5]);
  });

  test('separates float32 scores far above 16 that differ by one unit in the last place', () => {
    const above = Float32Array.of(1e6, 1e6 + 0.0625);
    const samples = [
      row('g', 'good', [above[0]!, 20]),
      row('a', 'logical', [above[1]!], [{ pixels: [0], saturationArea: 1 }]),
    ];
    expect(areas(accumulated(samples), 'logical')).toEqual([1, 1, 1, 1, 1]);
    const { x, y } = accumulated(samples).result().subsets.logical!.curve;
    expect([x[0], y[0], x.at(-1), y.at(-1)]).toEqual([0, 0, 1, 1]);
  });

  test('a saturation area larger than the region means the whole region', () => {
    const saturated = (saturationArea: number): number[] =>
      areas(
        accumulated([good, row('a', 'logical', [0.9, 0.35, 0.15], [{ pixels: [0, 1, 2], saturationArea }])]),
        'logical',
      );
    expect(saturated(1000)).toEqual(saturated(3));
    expect(saturated(1000)).not.toEqual(saturated(2));
  });

  test('keeps only the largest scores of a region, and the stated number of background scores', () => {
    const pixels = [1, 2, 3, 4, 5, 6, 7, 8];
    const scores = [0, 5, 3, 8, 1, 9, 2, 7, 4, 0];
    const sample = row('a', 'logical', scores, [{ pixels, saturationArea: 3 }]);
    const { regions, background } = accumulated([sample]).toJSON().subsets[0]!;
    const floats = (base64: string): number[] => [
      ...new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer),
    ];
    // Keys of positive floats are their bits with the sign bit set.
    expect(regions.map(({ keys }) => floats(keys))).toEqual([[-7, -8, -9]]);
    expect(background).toHaveProperty('keys');
    const { background: few } = accumulated([sample], { pixelsKeptExactly: 2 }).toJSON().subsets[0]!;
    expect(few).toHaveProperty('keys');
    const { background: none } = accumulated([sample], { pixelsKeptExactly: 1 }).toJSON().subsets[0]!;
    expect(none).toHaveProperty('counts');
  });

  test('refuses an empty mask with the name of its image, and adds nothing', () => {
    const accumulator = accumulated([good, broken]);
    const before = accumulator.toJSON();
    const regions = [
      { pixels: [0], saturationArea: 1 },
      { pixels: [], saturationArea: 1, defectType: 'missing_pin' },
    ];
    expect(() => accumulator.add(row('logical/007', 'logical', [1, 2], regions))).toThrow(
      'logical/007: the mask of region 2 (missing_pin) is empty; wanted at least one pixel that is not 0.',
    );
    expect(() => accumulator.add(row('logical/008', 'logical', [1, 2]))).toThrow(
      'logical/008: got 0 regions of an image in logical; wanted at least one of an anomalous one.',
    );
    expect(() => accumulator.add(row('good/008', 'good', [1, 2], regions))).toThrow(
      'good/008: got 2 regions of an image in good; wanted none of a good one.',
    );
    expect(accumulator.toJSON()).toEqual(before);
  });

  test.each([
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('refuses %d with the name of its image unless ignored', (score, shown) => {
    const accumulator = accumulated([good, broken]);
    const before = accumulator.toJSON();
    const bad = {
      ...row('logical/009', 'logical', [1, 2, score, 3], [{ pixels: [3], saturationArea: 1 }]),
      width: 2,
      height: 2,
    };
    const message = `logical/009: the score at pixel (0, 1) is ${shown}; wanted finite scores.`;
    expect(() => accumulator.add(bad)).toThrow(message);
    expect(accumulator.toJSON()).toEqual(before);
    accumulator.add({ ...bad, ignored: Uint8Array.of(0, 0, 1, 0) });
    expect(accumulator.result().subsets.logical).toMatchObject({ regions: 2, backgroundPixels: 8 });
  });

  test.each([0, -1, 1.5, NaN, Infinity])(
    'refuses a saturation area of %d with the name of its region',
    (saturationArea) => {
      const bad = row(
        'logical/003',
        'logical',
        [1, 2],
        [{ pixels: [0], saturationArea, defectType: 'bent' }],
      );
      expect(() => new SproAccumulator().add(bad)).toThrow(
        `logical/003: the saturation area of region 1 (bent) is ${saturationArea}; wanted a whole number of pixels, at least 1.`,
      );
    },
  );

  test('refuses arrays of another size than the image, by name', () => {
    const accumulator = new SproAccumulator();
    const add = (change: Partial<SproSample>) => () => {
      accumulator.add({ ...broken, ...change });
    };
    expect(add({ height: 2 })).toThrow('logical/000: the map has 4 pixels; wanted 8, 4 x 2.');
    expect(add({ ignored: new Uint8Array(3) })).toThrow(
      'logical/000: the ignore mask has 3 pixels; wanted 4, 4 x 1.',
    );
    expect(add({ regions: [{ mask: new Uint8Array(5), saturationArea: 1 }] })).toThrow(
      'logical/000: region 1 has 5 pixels; wanted 4, 4 x 1.',
    );
  });

  test('ignored pixels are not counted; a completely ignored region is left out', () => {
    const regions = [
      { pixels: [0, 1], saturationArea: 2 },
      { pixels: [2], saturationArea: 1 },
    ];
    const sample = row('a', 'logical', [0.9, 0, 0, 0.5, 0.1], regions);
    const accumulator = accumulated([{ ...sample, ignored: Uint8Array.of(0, 1, 1, 1, 0) }]);
    expect(accumulator.result().subsets.logical).toMatchObject({ regions: 1, backgroundPixels: 1 });
    expect(areas(accumulator, 'logical')).toEqual([1, 1, 1, 1, 1]);
    const unseen = accumulated([good, { ...sample, ignored: Uint8Array.of(1, 1, 1, 1, 0) }]).result();
    expect(unseen.subsets.logical).toMatchObject({
      regions: 0,
      backgroundPixels: 5,
      curve: { x: [], y: [] },
    });
    expect(unseen.subsets.logical!.limits.every(({ value }) => Number.isNaN(value))).toBe(true);
  });

  test('regions may overlap: a pixel counts for each of them', () => {
    const regions = [
      { pixels: [0, 1], saturationArea: 2, defectType: 'bent' },
      { pixels: [1, 2], saturationArea: 2, defectType: 'short' },
    ];
    const { subsets } = accumulated([row('a', 'logical', [0.9, 0.8, 0.1, 0.5], regions)], {
      limits: [1],
    }).result();
    expect(subsets.logical!.backgroundPixels).toBe(1);
    expect(subsets.logical!.byDefect.bent![0]!.value).toBe(1);
    expect(subsets.logical!.byDefect.short![0]!.value).toBe(0.5);
    expect(subsets.logical!.limits[0]!.value).toBe(0.75);
  });

  test('refuses limits and memory out of range', () => {
    expect(() => new SproAccumulator({ limits: [] })).toThrow('no limits');
    for (const limit of [0, -0.1, 1.01, NaN]) {
      expect(() => new SproAccumulator({ limits: [0.05, limit] })).toThrow(`Got the limit ${limit}`);
    }
    expect(() => new SproAccumulator({ pixelsKeptExactly: -1 })).toThrow('pixelsKeptExactly -1');
    expect(() => new SproAccumulator({ histogramBins: 5000 })).toThrow('histogramBins 5000');
    expect(() => accumulated([good]).merge(new SproAccumulator({ limits: [0.05] }))).toThrow(
      'Got limits 0.05; wanted 0.01',
    );
  });

  test('refuses damaged states', () => {
    const state = accumulated([good, broken]).toJSON();
    const subsets = [{ ...state.subsets[0]!, regions: [{ keys: '' }] }];
    expect(() => SproAccumulator.fromJSON({ ...state, subsets })).toThrow(
      'region of an overlap metric is damaged',
    );
    const counted = accumulated([good, broken], { pixelsKeptExactly: 0 }).toJSON();
    for (const change of [{ counts: '' }, { shift: 19 }, { shift: 0.5 }, { shift: -1 }]) {
      expect(() => SproAccumulator.fromJSON({ ...counted, good: { ...counted.good, ...change } })).toThrow(
        'scores of a pixel metric are damaged',
      );
    }
  });
});

describe('properties', () => {
  test('is equal to the definition, counted threshold by threshold, within 1e-9', () => {
    fc.assert(
      fc.property(sproSamples, (samples) => {
        const { subsets } = accumulated(samples).result();
        for (const [subset, { limits, byDefect }] of Object.entries(subsets)) {
          const curve = slowCurve(samples, subset);
          for (const { limit, value, lower, upper } of limits) {
            expect([lower, upper]).toEqual([value, value]);
            const wanted = limitedArea(curve, limit);
            if (Number.isNaN(wanted)) expect(value).toBeNaN();
            else expect(Math.abs(value - wanted)).toBeLessThan(1e-9);
          }
          for (const [defectType, areasOfType] of Object.entries(byDefect)) {
            const ofType = slowCurve(samples, subset, { defectType });
            for (const { limit, value } of areasOfType) {
              const wanted = limitedArea(ofType, limit);
              if (Number.isNaN(wanted)) expect(value).toBeNaN();
              else expect(Math.abs(value - wanted)).toBeLessThan(1e-9);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('the curve has the corners of the definition, and its area', () => {
    fc.assert(
      fc.property(sproSamples, (samples) => {
        for (const [subset, { curve, limits }] of Object.entries(accumulated(samples).result().subsets)) {
          if (curve.x.length === 0) continue;
          const { x, y } = slowCurve(samples, subset);
          const corners = new Set(x.map((rate, i) => `${rate.toFixed(9)} ${y[i]!.toFixed(9)}`));
          for (const [i, rate] of curve.x.entries()) {
            expect(corners).toContain(`${rate.toFixed(9)} ${curve.y[i]!.toFixed(9)}`);
          }
          for (const { limit, value } of limits) {
            expect(Math.abs(limitedArea(curve, limit) - value)).toBeLessThanOrEqual(1 / 999 + 1e-9);
          }
        }
      }),
    );
  });

  test('is from 0 to 1, and not lower at a higher limit', () => {
    fc.assert(
      fc.property(sproSamples, (samples) => {
        for (const row of Object.values(values(accumulated(samples).result()))) {
          for (const [i, value] of row.entries()) {
            if (Number.isNaN(value)) continue;
            expect(value).toBeGreaterThanOrEqual(i === 0 ? 0 : row[i - 1]! - 1e-12);
            expect(value).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  test('the order of the images does not matter', () => {
    fc.assert(
      fc.property(sproSamples, fc.infiniteStream(fc.nat()), (samples, stream) => {
        const shuffled = samples
          .map((sample) => ({ sample, order: stream.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ sample }) => sample);
        expectSame(accumulated(shuffled).result(), accumulated(samples).result());
      }),
    );
  });

  test('a strictly monotone transform of the scores, and a constant added, change nothing', () => {
    fc.assert(
      fc.property(sproSamples, (samples) => {
        const sorted = [...new Set(samples.flatMap(({ map }) => [...map]))].sort((a, b) => a - b);
        const ranks = new Map(sorted.map((score, rank) => [score, rank]));
        const transformed = (transform: (score: number) => number): SproResult =>
          accumulated(samples.map((sample) => ({ ...sample, map: sample.map.map(transform) }))).result();
        const wanted = accumulated(samples).result();
        expectSame(
          transformed((score) => ranks.get(score)!),
          wanted,
        );
        expectSame(
          transformed((score) => ranks.get(score)! - 100),
          wanted,
        );
        expectSame(
          transformed((score) => Math.exp(ranks.get(score)! / 4 - 20)),
          wanted,
        );
      }),
    );
  });

  test('splitting, saving and merging change nothing', () => {
    fc.assert(
      fc.property(sproSamples, sproSamples, (first, second) => {
        const merged = accumulated(first);
        const other = accumulated(second);
        const before = other.toJSON();
        merged.merge(SproAccumulator.fromJSON(JSON.parse(JSON.stringify(other)) as SproState));
        const wanted = accumulated([...first, ...second]);
        expect(merged.toJSON()).toEqual(wanted.toJSON());
        expectSame(merged.result(), wanted.result());
        merged.merge(merged);
        expectSame(merged.result(), wanted.result());
        expect(other.toJSON()).toEqual(before);
      }),
    );
  });
});

test('the score of a category is the mean over its subsets at each limit', () => {
  const area = (
    limit: number,
    value: number,
  ): { limit: number; value: number; lower: number; upper: number } => ({
    limit,
    value,
    lower: value / 2,
    upper: value + 1,
  });
  expect(
    SproAccumulator.meanOverSubsets({
      logical: [area(0.05, 0.5), area(0.3, 1)],
      structural: [area(0.05, 0.25), area(0.3, 0)],
    }),
  ).toEqual([
    { limit: 0.05, value: 0.375, lower: 0.1875, upper: 1.375 },
    { limit: 0.3, value: 0.5, lower: 0.25, upper: 1.5 },
  ]);
  expect(SproAccumulator.meanOverSubsets({})).toEqual([]);
});
