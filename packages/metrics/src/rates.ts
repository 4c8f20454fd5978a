import { DskdError } from '@dskd/base';
import { operatingPoints, type Labels } from './operating-points.js';

/** A threshold, and the shares of both classes that score greater. */
export interface ThresholdRates {
  /** `Infinity` where nothing is flagged. */
  readonly threshold: number;
  readonly truePositiveRate: number;
  readonly falsePositiveRate: number;
}

const UNDEFINED: ThresholdRates = { threshold: Infinity, truePositiveRate: NaN, falsePositiveRate: NaN };

function ratesOf(scores: ArrayLike<number>, labels: Labels): ThresholdRates[] {
  const points = operatingPoints(scores, labels);
  const { truePositives: positives, falsePositives: negatives } = points.at(-1)!;
  if (positives === 0 || negatives === 0) return [];
  return points.map(({ threshold, truePositives, falsePositives }) => ({
    threshold,
    truePositiveRate: truePositives / positives,
    falsePositiveRate: falsePositives / negatives,
  }));
}

function checkRate(rate: number): void {
  if (!(rate >= 0 && rate <= 1)) {
    throw new DskdError('invalid-argument', `Got a rate of ${rate}; wanted a number from 0 to 1.`);
  }
}

/**
 * The lowest false-positive rate at which at least a share `truePositiveRate` of the positives is found (FPR95
 * with 0.95), with the threshold that does it: a rate that is reached, not interpolated.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without positives or without negatives both rates are NaN and the threshold is `Infinity`.
 * @throws {DskdError} `invalid-argument` for a rate outside 0..1; see {@link operatingPoints}.
 */
export function falsePositiveRateAt(
  scores: ArrayLike<number>,
  labels: Labels,
  { truePositiveRate }: { readonly truePositiveRate: number },
): ThresholdRates {
  checkRate(truePositiveRate);
  return ratesOf(scores, labels).find((rates) => rates.truePositiveRate >= truePositiveRate) ?? UNDEFINED;
}

/**
 * The highest share of positives found while at most a share `falsePositiveRate` of the negatives is flagged,
 * with the threshold that does it: a rate that is reached, not interpolated. Of several equally good thresholds,
 * the one that flags fewest.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without positives or without negatives both rates are NaN and the threshold is `Infinity`.
 * @throws {DskdError} `invalid-argument` for a rate outside 0..1; see {@link operatingPoints}.
 */
export function truePositiveRateAt(
  scores: ArrayLike<number>,
  labels: Labels,
  { falsePositiveRate }: { readonly falsePositiveRate: number },
): ThresholdRates {
  checkRate(falsePositiveRate);
  const allowed = ratesOf(scores, labels).filter((rates) => rates.falsePositiveRate <= falsePositiveRate);
  const highest = allowed.at(-1)?.truePositiveRate;
  return allowed.find((rates) => rates.truePositiveRate === highest) ?? UNDEFINED;
}
