import * as fc from 'fast-check';
import { binsAround, countInBins } from './histogram.js';

const score = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const scores = fc.array(score, { minLength: 1, maxLength: 40 });

test('counts every value once, above or not above the threshold; equal is not above', () => {
  fc.assert(
    fc.property(scores, scores, score, (good, anomalous, threshold) => {
      const all = [...good, ...anomalous, threshold];
      const bins = binsAround(threshold, all, good);
      const counts = countInBins(bins, all);
      const edge = Math.round((threshold - bins.low) / bins.width);
      const above = counts.slice(edge).reduce((sum, count) => sum + count, 0);
      expect(above).toBe(all.filter((value) => value > threshold).length);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
    }),
  );
});

test('the threshold is inside the scale, with space on both sides', () => {
  fc.assert(
    fc.property(scores, score, (good, threshold) => {
      const { low, width, count } = binsAround(threshold, good, good);
      const share = (threshold - low) / (width * count);
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.9);
    }),
  );
});

test('a few outliers do not compress the rest', () => {
  const bins = binsAround(10, [1, 2, 3, 4000], [1, 2, 3]);
  expect(bins.cut).toBe(true);
  expect(bins.low + bins.width * bins.count).toBeLessThan(60);
  expect(countInBins(bins, [4000]).at(-1)).toBe(1);
  expect(binsAround(10, [1, 2, 3, 12], [1, 2, 3]).cut).toBe(false);
});

test('works without normal images, and if all scores are equal', () => {
  expect(countInBins(binsAround(5, [7, 9], []), [7, 9]).reduce((a, b) => a + b)).toBe(2);
  expect(countInBins(binsAround(0, [0, 0], [0, 0]), [0, 0]).reduce((a, b) => a + b)).toBe(2);
});

test.each([
  [0, 5e-324],
  [5e-324, 0],
  [1e-310, 0],
  [1e6, 1e6 - 1e-10],
])('bins have a positive width for a threshold of %d and a score of %d', (threshold, value) => {
  const bins = binsAround(threshold, [value], [value]);
  expect(threshold - bins.width).toBeLessThan(threshold);
  expect(countInBins(bins, [value])[bins.indexOf(value)]).toBe(1);
});
