import { DskdError } from '@dskd/base';

/** Where the color scale is anchored, in units of the map: the same for every image of a detector. */
export interface HeatScale {
  /** Fully transparent at and below it: the middle of normal images' scores. */
  readonly low: number;
  /** Half way up the scale: the detector's threshold. */
  readonly threshold: number;
}

/** Color and opacity at positions 0, 0.5 (the threshold) and 1 of the scale. */
export const HEAT_STOPS = [
  [255, 235, 59, 0],
  [255, 152, 0, 0.45],
  [213, 0, 0, 0.75],
] as const;

/**
 * From the median of normal images' scores, or from a tenth below the threshold where that is lower, to the
 * threshold.
 * @param normalScores image scores of normal images, at least one: `description.calibration.scores`.
 * @throws {DskdError} `invalid-argument` without a score.
 */
export function heatScaleOf(normalScores: readonly number[], threshold: number): HeatScale {
  if (normalScores.length === 0) {
    throw new DskdError('invalid-argument', 'Got no scores of normal images; wanted at least one.');
  }
  const sorted = [...normalScores].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return { low: Math.min(median, threshold - Math.abs(threshold) * 0.1 - 1e-3), threshold };
}
