import { DskdError } from '@dskd/base';
import {
  costWeightedThreshold,
  f1Max,
  operatingPoints,
  type CostWeightedThreshold,
  type ErrorCosts,
  type Labels,
} from '@dskd/metrics';

export interface F1Threshold {
  /** An image is anomalous when its score is greater than this. */
  readonly threshold: number;
  /** F1 at the threshold, 0..1. */
  readonly f1: number;
  /** Number of normal images above the threshold. */
  readonly falseAlarms: number;
  /** Number of anomalous images not above the threshold. */
  readonly misses: number;
}

/** @throws {DskdError} `invalid-argument` without normal or without anomalous images. */
function checkClasses(scores: ArrayLike<number>, labels: Labels): void {
  const { truePositives: positives, falsePositives: negatives } = operatingPoints(scores, labels).at(-1)!;
  if (positives === 0 || negatives === 0) {
    throw new DskdError(
      'invalid-argument',
      `Got ${positives} anomalous and ${negatives} normal images; wanted some of each to choose a threshold.`,
      { hint: 'With normal images alone, use recalibrate.', details: { positives, negatives } },
    );
  }
}

/**
 * The threshold with the highest F1 on labeled images. Of several equally good thresholds, the one that flags fewest
 * images. F1 depends on the share of anomalous images and weighs both kinds of error equally; when their costs are
 * known, use {@link costThreshold}.
 * @param scores one per image, finite.
 * @param labels one per image, 1 anomalous, 0 normal; both must occur.
 * @throws {DskdError} `invalid-argument` without normal or without anomalous images, and as `operatingPoints` of
 * `@dskd/metrics`.
 */
export function f1Threshold(scores: ArrayLike<number>, labels: Labels): F1Threshold {
  checkClasses(scores, labels);
  const { f1, threshold } = f1Max(scores, labels);
  let falseAlarms = 0;
  let misses = 0;
  for (let i = 0; i < scores.length; i++) {
    const isFlagged = scores[i]! > threshold;
    if (Number(labels[i]) === 1) misses += isFlagged ? 0 : 1;
    else falseAlarms += isFlagged ? 1 : 0;
  }
  return { threshold, f1, falseAlarms, misses };
}

/**
 * The threshold with the lowest expected cost of errors on labeled images: `costWeightedThreshold` of `@dskd/metrics`.
 * Depending on the costs it can lie above every score (`Infinity`: nothing is flagged) or below every score.
 * @param scores one per image, finite.
 * @param labels one per image, 1 anomalous, 0 normal; both must occur.
 * @throws {DskdError} `invalid-argument` without normal or without anomalous images, for costs that are not
 * positive or a prevalence outside (0, 1), and as `operatingPoints` of `@dskd/metrics`.
 */
export function costThreshold(
  scores: ArrayLike<number>,
  labels: Labels,
  costs: ErrorCosts,
): CostWeightedThreshold {
  checkClasses(scores, labels);
  return costWeightedThreshold(scores, labels, costs);
}
