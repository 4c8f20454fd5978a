import fc from 'fast-check';
import { NarrowCounts } from './narrow-counts.js';
import { PagedHistogram } from './paged-histogram.js';

test('counts are sums, however large', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 200_000 })), { maxLength: 30 }),
      (additions) => {
        const counts = new NarrowCounts(4);
        const wanted = [0, 0, 0, 0];
        for (const [index, count] of additions) {
          counts.add(index, count);
          wanted[index]! += count;
        }
        expect([0, 1, 2, 3].map((index) => counts.at(index))).toEqual(wanted);
      },
    ),
    { seed: 1 },
  );
});

test('a score more often than 2^16 is counted, by keys and by scores, merged and in coarser bins', () => {
  const often = 2 ** 16 + 5;
  const bits = new Uint32Array(Float32Array.from({ length: often }, () => 0.5).buffer);
  const histogram = new PagedHistogram(2 ** 14);
  histogram.addScores(bits, undefined);
  histogram.addKeys(bits.map((each) => each + 2 ** 31));
  expect(histogram.bins().counts).toEqual(Uint32Array.of(2 * often));
  const excluded = new Uint8Array(often).fill(1, 7);
  histogram.addScores(bits, excluded);
  const other = new PagedHistogram(2 ** 14);
  other.addHistogram(histogram);
  other.addHistogram(histogram);
  expect(other.bins().counts).toEqual(Uint32Array.of(2 * (2 * often + 7)));
  // Scores far apart need more pages than there are.
  other.addScores(new Uint32Array(Float32Array.of(1e-30, 1e30, -3, 7).buffer), undefined);
  expect(other.shift).toBeGreaterThan(0);
  expect(Math.max(...other.bins().counts)).toBe(2 * (2 * often + 7));
  expect(other.ranks().pixels).toBe(2 * (2 * often + 7) + 4);
});
