import fc from 'fast-check';
import { SproAccumulator, type SproResult, type SproSample } from './index.js';
import type { SproOptions } from './spro.js';

/**
 * Few different scores, so that there are many ties, of different magnitudes: neighboring values and values further
 * apart than bins.
 */
const score = fc.oneof(
  fc.constantFrom(0, -0, 0.5, 1, -1, 20, 1e-30, -1e30),
  fc.integer({ min: 0, max: 12 }).map((step) => 17 + step * 2 ** -19),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);

const image = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
  .chain(([width, height]) => {
    const pixels = { minLength: width * height, maxLength: width * height };
    const region = fc.record(
      {
        mask: fc
          .tuple(fc.uint8Array({ ...pixels, max: 2 }), fc.nat(width * height - 1))
          .map(([mask, at]) => mask.map((value, i) => (i === at || value === 2 ? 240 : 0))),
        saturationArea: fc.integer({ min: 1, max: 12 }),
        defectType: fc.constantFrom('bent', 'missing'),
      },
      { requiredKeys: ['mask', 'saturationArea'] },
    );
    return fc.record({
      name: fc.constant('000'),
      width: fc.constant(width),
      height: fc.constant(height),
      map: fc.array(score, pixels).map((scores) => Float32Array.from(scores)),
      subset: fc.constantFrom('good', 'logical', 'structural'),
      regions: fc.array(region, { minLength: 1, maxLength: 3 }),
      ignored: fc.uint8Array({ ...pixels, max: 3 }).map((mask) => mask.map((value) => (value === 3 ? 1 : 0))),
    });
  });

/** Small images with ties, overlapping regions, saturation below and above a region's area, and ignored pixels. */
export const sproSamples: fc.Arbitrary<SproSample[]> = fc.array(
  image.map((sample) => (sample.subset === 'good' ? { ...sample, regions: [] } : sample)),
  { minLength: 1, maxLength: 5 },
);

export function accumulated(samples: readonly SproSample[], options?: SproOptions): SproAccumulator {
  const accumulator = new SproAccumulator(options);
  for (const sample of samples) accumulator.add(sample);
  return accumulator;
}

/** Values by subset and limit, then by defect type. Merging and similar operations must not change them. */
export function values({ subsets }: SproResult): Record<string, number[]> {
  const rows = Object.entries(subsets).flatMap(([subset, { limits, byDefect }]) => [
    [subset, limits.map(({ value }) => value)] as const,
    ...Object.entries(byDefect).map(
      ([type, areas]) => [`${subset}/${type}`, areas.map(({ value }) => value)] as const,
    ),
  ]);
  return Object.fromEntries(rows);
}

export function expectSame(got: SproResult, wanted: SproResult): void {
  const [a, b] = [values(got), values(wanted)];
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  for (const [name, row] of Object.entries(a)) {
    row.forEach((value, i) => {
      if (Number.isNaN(b[name]![i])) expect(value).toBeNaN();
      else expect(value).toBeCloseTo(b[name]![i]!, 12);
    });
  }
}
