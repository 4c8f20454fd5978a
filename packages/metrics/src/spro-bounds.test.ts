import { randomStream } from '@dskd/base';
import { SproAccumulator, type SproSample } from './index.js';
import { accumulated, expectSame } from './overlap-samples.test.util.js';
import type { SproState } from './spro.js';

/** Scores over so many octaves that bins must be wide, some of them close together. */
const samples: SproSample[] = Array.from({ length: 6 }, (_, image) => {
  const random = randomStream(5, 'spro-bounds', image);
  const area = 30 * 20;
  const wide = (): number => Math.exp(10 * random.normal());
  const map = Float32Array.from({ length: area }, () =>
    random.uniform() < 0.5 ? wide() : 1 + random.uniform() / 50,
  );
  const region = (): Uint8Array => Uint8Array.from(map, () => (random.uniform() < 0.1 ? 255 : 0));
  const regions = [
    { mask: region(), saturationArea: 30 },
    { mask: region(), saturationArea: 900 },
  ];
  const good = image % 3 === 0;
  return {
    name: '000',
    map,
    width: 30,
    height: 20,
    subset: good ? 'good' : 'logical',
    regions: good ? [] : regions,
  };
});

test('with more pixels than are kept individually, the exact value is between the bounds', () => {
  const exact = accumulated(samples).result().subsets.logical!.limits;
  const widths = [2 ** 24, 2 ** 16, 2 ** 14].map((histogramBins) => {
    const options = { pixelsKeptExactly: 100, histogramBins };
    const { limits } = accumulated(samples, options).result().subsets.logical!;
    return limits.map(({ value, lower, upper }, i) => {
      expect(lower).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(upper);
      expect(exact[i]!.value).toBeGreaterThanOrEqual(lower - 1e-12);
      expect(exact[i]!.value).toBeLessThanOrEqual(upper + 1e-12);
      return upper - lower;
    });
  });
  // With enough bins every float32 value has its own bin, and the result is exact. With fewer, the bounds differ.
  expect(Math.max(...widths[0]!)).toBe(0);
  const [, some, few] = widths.map((row) => Math.max(...row));
  expect(some).toBeGreaterThan(1e-4);
  expect(some).toBeLessThan(0.05);
  expect(few).toBeGreaterThan(some!);
});

test('with bins, splitting, saving and merging change nothing', () => {
  const options = { pixelsKeptExactly: 1000, histogramBins: 2 ** 15 };
  const wanted = accumulated(samples, options);
  for (const split of [1, 4]) {
    const merged = accumulated(samples.slice(0, split), options);
    const other = accumulated(samples.slice(split), options);
    merged.merge(SproAccumulator.fromJSON(JSON.parse(JSON.stringify(other)) as SproState));
    expect(merged.toJSON()).toEqual(wanted.toJSON());
    expectSame(merged.result(), wanted.result());
  }
});
