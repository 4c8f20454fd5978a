import fc from 'fast-check';
import { SproAccumulator } from './index.js';
import { accumulated, expectSame, sproSamples } from './overlap-samples.test.util.js';
import type { SproState } from './spro.js';

test.each([3, 0])('with bins, splitting, saving and merging change nothing (%d pixels kept)', (kept) => {
  fc.assert(
    fc.property(sproSamples, sproSamples, (first, second) => {
      const options = { pixelsKeptExactly: kept, histogramBins: 2 ** 14 };
      const merged = accumulated(first, options);
      const other = accumulated(second, options);
      merged.merge(SproAccumulator.fromJSON(JSON.parse(JSON.stringify(other)) as SproState));
      const wanted = accumulated([...first, ...second], options);
      expect(merged.toJSON()).toEqual(wanted.toJSON());
      expectSame(merged.result(), wanted.result());
    }),
    { numRuns: 30 },
  );
});

test.each([2 ** 14, 2 ** 16])('with %d bins, the exact value is between the bounds', (histogramBins) => {
  let widest = 0;
  fc.assert(
    fc.property(sproSamples, (samples) => {
      const exact = accumulated(samples).result();
      const bounded = accumulated(samples, { pixelsKeptExactly: 0, histogramBins }).result();
      for (const [subset, { limits, byDefect }] of Object.entries(bounded.subsets)) {
        const wanted = exact.subsets[subset]!;
        const pairs = [[limits, wanted.limits] as const];
        for (const type of Object.keys(byDefect)) pairs.push([byDefect[type]!, wanted.byDefect[type]!]);
        for (const [got, areas] of pairs) {
          for (const [i, { value, lower, upper }] of got.entries()) {
            if (Number.isNaN(value)) continue;
            expect(lower).toBeLessThanOrEqual(value);
            expect(value).toBeLessThanOrEqual(upper);
            expect(areas[i]!.value).toBeGreaterThanOrEqual(lower - 1e-12);
            expect(areas[i]!.value).toBeLessThanOrEqual(upper + 1e-12);
            widest = Math.max(widest, upper - lower);
          }
        }
      }
    }),
  );
  expect(widest).toBeGreaterThan(0.1);
});
