import { randomStream } from '@dskd/base';
import fc from 'fast-check';
import { MapStatistics } from './normalization.js';

function seen(...blocks: readonly Float32Array[]): MapStatistics {
  const statistics = new MapStatistics();
  for (const block of blocks) statistics.add(block);
  return statistics;
}

/** Two passes in float64 over everything. */
function twoPasses(values: readonly number[]): { mean: number; standardDeviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardDeviation: Math.sqrt(squares / values.length) };
}

const block = fc
  .array(fc.float({ min: -1000, max: 1000, noNaN: true }), { maxLength: 20 })
  .map((values) => Float32Array.from(values));

describe('MapStatistics', () => {
  test('hand case: the population deviation', () => {
    const { mean, standardDeviation, count } = seen(Float32Array.of(2, 4, 4, 4), Float32Array.of(5, 5, 7, 9));
    expect({ mean, standardDeviation, count }).toEqual({ mean: 5, standardDeviation: 2, count: 8 });
  });

  test('equals two passes, however the pixels are cut into blocks', () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1 }), (blocks) => {
        const values = blocks.flatMap((part) => [...part]);
        fc.pre(values.length > 0);
        const wanted = twoPasses(values);
        const statistics = seen(...blocks);
        expect(statistics.count).toBe(values.length);
        expect(Math.abs(statistics.mean - wanted.mean)).toBeLessThan(1e-10);
        expect(Math.abs(statistics.standardDeviation - wanted.standardDeviation)).toBeLessThan(1e-6);
      }),
    );
  });

  test('keeps a small spread about a large mean over many maps', () => {
    const random = randomStream(3, 'map-statistics');
    const blocks = Array.from({ length: 200 }, () =>
      Float32Array.from({ length: 500 }, () => 1000 + random.normal() / 100),
    );
    const wanted = twoPasses(blocks.flatMap((part) => [...part]));
    const got = seen(...blocks);
    expect(Math.abs(got.standardDeviation / wanted.standardDeviation - 1)).toBeLessThan(1e-9);
  });

  test('before the first pixel there is no mean', () => {
    const { mean, standardDeviation, count } = seen(new Float32Array(0));
    expect({ mean, standardDeviation, count }).toEqual({ mean: NaN, standardDeviation: NaN, count: 0 });
  });

  test('refuses NaN and infinity and is not changed then', () => {
    const statistics = seen(Float32Array.of(1, 2));
    const figures = () => [statistics.count, statistics.mean, statistics.standardDeviation];
    const before = figures();
    for (const bad of [NaN, Infinity, -Infinity]) {
      expect(() => statistics.add(Float32Array.of(1, bad, Infinity))).toThrow(
        expect.objectContaining({ code: 'numerical-instability', details: { index: 1 } }) as Error,
      );
    }
    expect(figures()).toEqual(before);
  });
});
