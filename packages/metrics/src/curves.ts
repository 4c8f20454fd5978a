import { operatingPoints, type Labels } from './operating-points.js';

/** A curve with a point for every different threshold, from flagging nothing to flagging everything. */
export interface ThresholdCurve {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Of each point: samples that score greater are flagged. Descending, the first one is `Infinity`. */
  readonly thresholds: readonly number[];
}

const NOTHING: ThresholdCurve = { x: [], y: [], thresholds: [] };

/**
 * The ROC curve: x false-positive rate, y true-positive rate, both rising from 0 to 1. Tied scores are one
 * point, so the area under its straight lines is `auroc`.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without points where it is undefined: without positives or without negatives.
 * @throws {DskdError} see {@link operatingPoints}.
 */
export function rocCurve(scores: ArrayLike<number>, labels: Labels): ThresholdCurve {
  const points = operatingPoints(scores, labels);
  const { truePositives: positives, falsePositives: negatives } = points.at(-1)!;
  if (positives === 0 || negatives === 0) return NOTHING;
  return {
    x: points.map(({ falsePositives }) => falsePositives / negatives),
    y: points.map(({ truePositives }) => truePositives / positives),
    thresholds: points.map(({ threshold }) => threshold),
  };
}

/**
 * The precision-recall curve: x recall, rising from 0 to 1, y precision. Tied scores are one point. Precision
 * where nothing is flagged is 0 / 0; it is set to 1, as scikit-learn's `precision_recall_curve` does.
 * `averagePrecision` is the sum of its steps in x times the y at their right end, not the area under straight
 * lines, which flatters.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without points where it is undefined: without positives.
 * @throws {DskdError} see {@link operatingPoints}.
 */
export function precisionRecallCurve(scores: ArrayLike<number>, labels: Labels): ThresholdCurve {
  const points = operatingPoints(scores, labels);
  const positives = points.at(-1)!.truePositives;
  if (positives === 0) return NOTHING;
  return {
    x: points.map(({ truePositives }) => truePositives / positives),
    y: points.map(({ truePositives, falsePositives }, i) =>
      i === 0 ? 1 : truePositives / (truePositives + falsePositives),
    ),
    thresholds: points.map(({ threshold }) => threshold),
  };
}
