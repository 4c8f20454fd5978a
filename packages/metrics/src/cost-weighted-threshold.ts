import { DskdError } from '@dskd/base';
import { operatingPoints, type Labels } from './operating-points.js';

export interface ErrorCosts {
  /** Cost of a missed anomalous sample, in any unit. Only the ratio of the two costs affects the threshold. */
  readonly missCost: number;
  /** Cost of flagging a normal sample, in the same unit. */
  readonly falseAlarmCost: number;
  /**
   * Share of anomalous samples where the threshold will be used, above 0 and below 1. It is usually much lower on a
   * production line than in a test set. Default: their share among the samples.
   */
  readonly prevalence?: number;
}

export interface CostWeightedThreshold {
  /** A sample is flagged when its score is greater. */
  readonly threshold: number;
  /** Mean cost per sample, in the unit of the costs. */
  readonly cost: number;
  /** Normal samples above the threshold. */
  readonly falseAlarms: number;
  /** Anomalous samples not above it. */
  readonly misses: number;
}

function checkCosts({ missCost, falseAlarmCost, prevalence }: ErrorCosts): void {
  if (![missCost, falseAlarmCost].every((cost) => Number.isFinite(cost) && cost > 0)) {
    throw new DskdError(
      'invalid-argument',
      `Got costs ${missCost} (miss) and ${falseAlarmCost} (false alarm); wanted positive numbers.`,
    );
  }
  if (prevalence !== undefined && !(prevalence > 0 && prevalence < 1)) {
    throw new DskdError(
      'invalid-argument',
      `Got a prevalence of ${prevalence}; wanted a number above 0 and below 1.`,
    );
  }
}

/**
 * The threshold with the lowest expected cost of errors,
 * `prevalence * missRate * missCost + (1 - prevalence) * falseAlarmRate * falseAlarmCost`
 * (as in Provost and Fawcett, "Robust classification for imprecise environments", 2001, eq. 1).
 * Of several equally good thresholds, the one that flags fewest samples. It lies midway between two scores.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without positives or without negatives the threshold is `Infinity` and `cost` is NaN.
 * @throws {DskdError} `invalid-argument` for a cost that is not positive or a prevalence outside (0, 1); see
 * {@link operatingPoints}.
 */
export function costWeightedThreshold(
  scores: ArrayLike<number>,
  labels: Labels,
  costs: ErrorCosts,
): CostWeightedThreshold {
  checkCosts(costs);
  const { missCost, falseAlarmCost, prevalence } = costs;
  const points = operatingPoints(scores, labels);
  const { truePositives: positives, falsePositives: negatives } = points.at(-1)!;
  if (positives === 0 || negatives === 0) {
    return { threshold: Infinity, cost: NaN, falseAlarms: 0, misses: positives };
  }
  const count = positives + negatives;
  // With the samples' own prevalence the weights are the costs themselves: equal costs stay equal in floats.
  const missWeight = prevalence === undefined ? missCost : missCost * prevalence * (count / positives);
  const falseAlarmWeight =
    prevalence === undefined ? falseAlarmCost : falseAlarmCost * (1 - prevalence) * (count / negatives);
  let best: CostWeightedThreshold | undefined;
  for (const { threshold, truePositives, falsePositives } of points) {
    const misses = positives - truePositives;
    const cost = (missWeight * misses + falseAlarmWeight * falsePositives) / count;
    if (!best || cost < best.cost) best = { threshold, cost, falseAlarms: falsePositives, misses };
  }
  return best!;
}
