import { operatingPoints, type Labels } from './operating-points.js';

/**
 * Area under the ROC curve: how often a random positive scores higher than a random negative, a tie counting
 * one half (the Mann-Whitney statistic).
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns 0..1; NaN where it is undefined: without positives or without negatives.
 * @throws {DskdError} see {@link operatingPoints}.
 */
export function auroc(scores: ArrayLike<number>, labels: Labels): number {
  const points = operatingPoints(scores, labels);
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const width = points[i]!.falsePositives - points[i - 1]!.falsePositives;
    area += width * (points[i]!.truePositives + points[i - 1]!.truePositives);
  }
  const { truePositives, falsePositives } = points.at(-1)!;
  return area / (2 * truePositives * falsePositives);
}
