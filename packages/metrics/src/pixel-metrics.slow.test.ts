import { PixelMetricsAccumulator, type PixelMetrics } from './index.js';
import type { ScoreMemoryOptions } from './pixel-scores.js';
import { realisticSamples } from './realistic-samples.test.util.js';

test('on realistic maps of 3.2 million pixels a quarter of the default capacity is accurate to 1e-6', () => {
  const samples = realisticSamples(50, 64_000);
  const result = (options: ScoreMemoryOptions): PixelMetrics => {
    const accumulator = new PixelMetricsAccumulator(options);
    for (const sample of samples) accumulator.add(sample);
    return accumulator.result();
  };
  const exact = result({});
  expect(exact.errorBound).toBe(0);
  const { auroc, errorBound, averagePrecision } = result({
    pixelsKeptExactly: 2 ** 20,
    histogramBins: 2 ** 22,
  });
  expect(errorBound).toBeGreaterThan(0);
  expect(errorBound).toBeLessThan(1e-6);
  expect(Math.abs(auroc - exact.auroc)).toBeLessThanOrEqual(errorBound);
  const { value, lower, upper } = averagePrecision;
  expect(upper - lower).toBeGreaterThan(0);
  expect(upper - lower).toBeLessThan(5e-6);
  expect(exact.averagePrecision.value).toBeGreaterThanOrEqual(lower);
  expect(exact.averagePrecision.value).toBeLessThanOrEqual(upper);
  expect(Math.abs(value - exact.averagePrecision.value)).toBeLessThan(1e-6);
});
