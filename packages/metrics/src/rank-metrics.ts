import { DskdError } from '@dskd/base';
import { operatingPoints, type Labels } from './operating-points.js';

/**
 * Area under the ROC curve: the probability that a random positive scores higher than a random negative, where a
 * tie counts one half (the Mann-Whitney statistic).
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns 0..1; NaN without positives or without negatives.
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

/**
 * Average precision: the sum over thresholds of the precision times the step in recall, without interpolation
 * (as scikit-learn's `average_precision_score`).
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns 0..1; NaN without positives.
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

/**
 * The highest F1 over all thresholds, and its threshold. Of several equally good thresholds, the one that flags
 * fewest samples. The threshold lies midway between two scores, so `>` and `>=` flag the same samples.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns F1, 0..1, and threshold. Without positives `{ f1: NaN, threshold: Infinity }`; without negatives F1 is 1 and
 * every sample is flagged.
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

/** A curve with one point per distinct threshold, from flagging nothing to flagging everything. */
export interface ThresholdCurve {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** The threshold of each point: samples with a greater score are flagged. Descending; the first is `Infinity`. */
  readonly thresholds: readonly number[];
}

const NOTHING: ThresholdCurve = { x: [], y: [], thresholds: [] };

/**
 * The ROC curve: x false-positive rate, y true-positive rate, both rising from 0 to 1. Tied scores are one
 * point, so the area under its straight lines is `auroc`.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns no points without positives or without negatives.
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
 * `averagePrecision` is the sum of its steps in x times the y at their right end. The area under straight lines
 * would be larger.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns no points without positives.
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

/** A threshold and the shares of both classes whose score is greater. */
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

/** One of the two rates: what is asked for. */
export type WantedRate =
  | { readonly truePositiveRate: number; readonly falsePositiveRate?: never }
  | { readonly falsePositiveRate: number; readonly truePositiveRate?: never };

/**
 * Both rates of the best threshold for a wanted one, and that threshold. With `truePositiveRate`: the lowest
 * false-positive rate at which the true-positive rate is at least the wanted one (FPR95 with 0.95). With
 * `falsePositiveRate`: the highest true-positive rate at which the false-positive rate is at most the wanted one. These
 * are rates of an actual threshold, without interpolation. Of several equally good thresholds, the one that flags fewest
 * samples.
 * @param scores one per sample, higher is more anomalous, finite.
 * @param labels one per sample, 1 anomalous, 0 normal.
 * @returns without positives or without negatives both rates are NaN and the threshold is `Infinity`.
 * @throws {DskdError} `invalid-argument` for a rate outside 0..1; see {@link operatingPoints}.
 */
export function ratesAt(scores: ArrayLike<number>, labels: Labels, wanted: WantedRate): ThresholdRates {
  const { truePositiveRate, falsePositiveRate } = wanted;
  if (truePositiveRate !== undefined) {
    checkRate(truePositiveRate);
    return ratesOf(scores, labels).find((rates) => rates.truePositiveRate >= truePositiveRate) ?? UNDEFINED;
  }
  checkRate(falsePositiveRate);
  const allowed = ratesOf(scores, labels).filter((rates) => rates.falsePositiveRate <= falsePositiveRate);
  const highest = allowed.at(-1)?.truePositiveRate;
  return allowed.find((rates) => rates.truePositiveRate === highest) ?? UNDEFINED;
}
