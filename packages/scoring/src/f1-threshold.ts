import { DskdError } from '@dskd/base';
import { operatingPoints, type Labels } from '@dskd/metrics';

export interface F1ThresholdOptions {
  /** What calling a normal picture anomalous costs. Only the ratio of the two costs matters. Default 1. */
  readonly falseAlarmCost?: number;
  /** What letting an anomalous picture pass costs. Default 1. */
  readonly missCost?: number;
}

export interface F1Threshold {
  /** A picture is anomalous when its score is greater. */
  readonly threshold: number;
  /** The F score reached, 0..1; F1 when the costs are equal. */
  readonly value: number;
  /** Normal pictures above the threshold. */
  readonly falseAlarms: number;
  /** Anomalous pictures not above it. */
  readonly misses: number;
}

/**
 * The threshold with the highest F score on labelled pictures. Costs weigh the two kinds of error: it is F-beta
 * with `beta^2 = missCost / falseAlarmCost`, hence F1 for equal costs. Of several equally good thresholds, the
 * one that flags fewest.
 * @param scores one per picture, finite.
 * @param labels one per picture, 1 anomalous, 0 normal; both must occur.
 * @throws {DskdError} `invalid-argument` without normal or without anomalous pictures, for costs that are not
 * positive, and as `operatingPoints` of `@dskd/metrics`.
 */
export function f1Threshold(
  scores: ArrayLike<number>,
  labels: Labels,
  { falseAlarmCost = 1, missCost = 1 }: F1ThresholdOptions = {},
): F1Threshold {
  if (![falseAlarmCost, missCost].every((cost) => Number.isFinite(cost) && cost > 0)) {
    throw new DskdError(
      'invalid-argument',
      `Got costs ${falseAlarmCost} (false alarm) and ${missCost} (miss); wanted positive numbers.`,
    );
  }
  const points = operatingPoints(scores, labels);
  const { truePositives: positives, falsePositives: negatives } = points.at(-1)!;
  if (positives === 0 || negatives === 0) {
    throw new DskdError(
      'invalid-argument',
      `Got ${positives} anomalous and ${negatives} normal pictures; wanted some of each to choose a threshold.`,
      { hint: 'With normal pictures alone, use quantileThreshold.', details: { positives, negatives } },
    );
  }
  const falseAlarmWeight = falseAlarmCost / (falseAlarmCost + missCost);
  const missWeight = missCost / (falseAlarmCost + missCost);
  let best: F1Threshold = { threshold: Infinity, value: 0, falseAlarms: 0, misses: positives };
  for (const { threshold, truePositives, falsePositives } of points) {
    const misses = positives - truePositives;
    const value = truePositives / (truePositives + falseAlarmWeight * falsePositives + missWeight * misses);
    if (value > best.value) best = { threshold, value, falseAlarms: falsePositives, misses };
  }
  return best;
}
