import { operatingPoints, type Labels } from './operating-points.js';

/**
 * Average precision: the sum over thresholds of the precision times the step in recall, without interpolation
 * (as scikit-learn's `average_precision_score`).
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns 0..1; NaN without positives, where it is undefined.
 * @throws {DskdError} see {@link operatingPoints}.
 */
export function averagePrecision(scores: ArrayLike<number>, labels: Labels): number {
  const points = operatingPoints(scores, labels);
  let sum = 0;
  for (let i = 1; i < points.length; i++) {
    const { truePositives, falsePositives } = points[i]!;
    const step = truePositives - points[i - 1]!.truePositives;
    sum += (step * truePositives) / (truePositives + falsePositives);
  }
  return sum / points.at(-1)!.truePositives;
}
