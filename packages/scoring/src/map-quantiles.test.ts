import { isDskdError, randomStream } from '@dskd/base';
import fc from 'fast-check';
import { MapQuantiles } from './normalization.js';

function seen(...blocks: readonly Float32Array[]): MapQuantiles {
  const quantiles = new MapQuantiles();
  for (const block of blocks) quantiles.add(block);
  return quantiles;
}

const sorted = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);
const block = fc
  .array(fc.float({ min: -1000, max: 1000, noNaN: true }), { maxLength: 20 })
  .map((values) => Float32Array.from(values));

describe('MapQuantiles', () => {
  test('hand case', () => {
    const quantiles = seen(Float32Array.of(4, 0, 1), Float32Array.of(-2, 2));
    expect(quantiles.count).toBe(5);
    const got = [0, 0.25, 0.5, 0.74, 0.75, 1].map((share) => quantiles.quantile(share));
    [-2, 0, 1, 1, 2, 4].forEach((wanted, i) => expect(got[i]!).toBeCloseTo(wanted, 2));
    // Maps of a perfect student are 0, not nearly 0.
    expect(got[1]).toBe(0);
  });

  test('the sorted value of that rank, within the width of a bin, in any order', () => {
    fc.assert(
      fc.property(fc.array(block), fc.double({ min: 0, max: 1, noNaN: true }), (blocks, share) => {
        const values = sorted(blocks.flatMap((part) => [...part]));
        fc.pre(values.length > 0);
        const exact = values[Math.floor(share * (values.length - 1))]!;
        const got = seen(...blocks).quantile(share);
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(2 ** -12 * Math.abs(exact) + 1e-38);
        expect(seen(...blocks.reverse()).quantile(share)).toBe(got);
      }),
    );
  });

  test('a map of a view into a larger buffer', () => {
    const random = randomStream(1, 'map');
    const values = Float32Array.from({ length: 5000 }, () => random.normal() ** 2);
    const exact = sorted(values.slice(1000, 4000))[Math.floor(0.9 * 2999)]!;
    expect(seen(values.subarray(1000, 4000)).quantile(0.9) / exact).toBeCloseTo(1, 3);
  });

  test('refusals; nothing is added', () => {
    const quantiles = seen(Float32Array.of(1));
    for (const value of [NaN, Infinity, -Infinity]) {
      const caught = (() => {
        try {
          return quantiles.add(Float32Array.of(2, value));
        } catch (error) {
          return error;
        }
      })();
      expect(isDskdError(caught) && caught.code).toBe('numerical-instability');
    }
    expect(quantiles.count).toBe(1);
    expect(() => quantiles.quantile(1.1)).toThrow('Got a share of 1.1; wanted 0 to 1.');
    expect(() => quantiles.quantile(NaN)).toThrow('0 to 1');
    expect(new MapQuantiles().quantile(0.5)).toBeNaN();
  });
});
