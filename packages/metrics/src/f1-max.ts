import { operatingPoints, type Labels } from './operating-points.js';

/**
 * The highest F1 that any threshold reaches, and that threshold. Of several equally good ones, the one that
 * flags fewest. A sample counts as flagged when its score is greater than the threshold; it lies half way
 * between two scores, so `>=` flags the same samples.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without positives `{ f1: NaN, threshold: Infinity }`: nothing can be learned, so nothing is flagged.
 * Without negatives every sample is flagged, f1 1.
 * @throws {DskdError} see {@link operatingPoints}.
 */
export function f1Max(scores: ArrayLike<number>, labels: Labels): { f1: number; threshold: number } {
  const points = operatingPoints(scores, labels);
  const positives = points.at(-1)!.truePositives;
  if (positives === 0) return { f1: NaN, threshold: Infinity };
  let best = { f1: 0, threshold: Infinity };
  for (const { threshold, truePositives, falsePositives } of points) {
    const f1 = (2 * truePositives) / (truePositives + falsePositives + positives);
    if (f1 > best.f1) best = { f1, threshold };
  }
  return best;
}
