import { DskdError } from '@dskd/base';
import { checkShare, falseAlarmBound, falseAlarmConfidence } from './false-alarm-bounds.js';

function checkNormals(normalScores: ArrayLike<number>): void {
  const scores = Array.from(normalScores);
  if (scores.length === 0 || !scores.every(Number.isFinite)) {
    throw new DskdError(
      'invalid-argument',
      `Got ${scores.length} scores of normal images, ${scores.filter((score) => !Number.isFinite(score)).length} of them ` +
        'not finite; wanted at least one, all finite.',
      { hint: 'Calibrate on held-out images of good parts.', details: { count: scores.length } },
    );
  }
}

/**
 * The conformal p-value of a score: `(1 + #{normals >= score}) / (n + 1)` with n normal scores. For a normal image that
 * is exchangeable with them, the probability of a p-value of at most `a` is at most `a`.
 * @param score the score of an image.
 * @param normalScores scores of normal images that were not used for training.
 * @returns in `[1 / (n + 1), 1]`.
 * @throws {DskdError} `invalid-argument` when a score is not finite or there are no normal ones.
 */
export function conformalPValue(score: number, normalScores: ArrayLike<number>): number {
  checkNormals(normalScores);
  if (!Number.isFinite(score)) {
    throw new DskdError('invalid-argument', `Got ${score} as a score; wanted a finite number.`);
  }
  let atLeast = 0;
  for (let i = 0; i < normalScores.length; i++) if (normalScores[i]! >= score) atLeast++;
  return (1 + atLeast) / (normalScores.length + 1);
}

export interface QuantileThresholdOptions {
  /**
   * Confidence level in (0, 1): the probability, over the draw of the normal images, that the rate is not exceeded (a
   * tolerance limit). Default: none, the bound holds on average.
   */
  readonly confidence?: number;
}

export interface QuantileThreshold {
  /** An image is anomalous when its score is greater than this. */
  readonly threshold: number;
  /** The requested rate. */
  readonly falseAlarmRate: number;
  /**
   * The lowest rate that n normal images allow: `1 / (n + 1)`, or, with a confidence,
   * `1 - (1 - confidence) ** (1 / n)`.
   */
  readonly smallestPossibleRate: number;
  /**
   * Whether the probability of a false alarm on a new normal image is at most `falseAlarmRate`: on average over the
   * draw of the normal images, or with the requested confidence. If false, the threshold is the highest normal score,
   * and `smallestPossibleRate` is the bound.
   */
  readonly guaranteed: boolean;
  /** Number of normal scores that may lie above the threshold; fewer do when scores tie. */
  readonly exceeding: number;
  /** The confidence that the rate of false alarms is at most `falseAlarmRate`; see {@link falseAlarmConfidence}. */
  readonly confidence: number;
}

/** The largest rank whose p-value, rounded as in conformalPValue, is within the rate. */
function ranksOnAverage(normals: number, falseAlarmRate: number): number {
  const wanted = normals + 1;
  const ranks = Math.floor(falseAlarmRate * wanted);
  if ((ranks + 1) / wanted <= falseAlarmRate) return ranks + 1;
  return ranks / wanted > falseAlarmRate ? ranks - 1 : ranks;
}

/** The largest rank for which the rate is not exceeded with that confidence. */
function ranksWithConfidence(normals: number, falseAlarmRate: number, confidence: number): number {
  let low = 0;
  let high = normals;
  while (low < high) {
    const ranks = Math.ceil((low + high) / 2);
    if (falseAlarmConfidence({ normals, exceeding: ranks - 1, falseAlarmRate }) >= confidence) low = ranks;
    else high = ranks - 1;
  }
  return low;
}

/**
 * The threshold for a given rate of false alarms, from normal images only: the lowest one with `score > threshold`
 * exactly when `conformalPValue(score, normalScores) <= falseAlarmRate`; or, with a confidence, the lowest normal score
 * that is a tolerance limit (see {@link falseAlarmConfidence}).
 * @param normalScores scores of normal images that were not used for training.
 * @param falseAlarmRate above 0, below 1.
 * @throws {DskdError} `invalid-argument` for a rate or confidence out of range, without normal scores, or when one is not
 * finite.
 */
export function quantileThreshold(
  normalScores: ArrayLike<number>,
  falseAlarmRate: number,
  { confidence }: QuantileThresholdOptions = {},
): QuantileThreshold {
  checkNormals(normalScores);
  const normals = normalScores.length;
  checkShare('a false-alarm rate', falseAlarmRate);
  if (confidence !== undefined) checkShare('a confidence', confidence);
  const ranks =
    confidence === undefined
      ? ranksOnAverage(normals, falseAlarmRate)
      : ranksWithConfidence(normals, falseAlarmRate, confidence);
  const exceeding = Math.max(ranks - 1, 0);
  return {
    threshold: Float64Array.from(normalScores).sort()[normals - 1 - exceeding]!,
    falseAlarmRate,
    smallestPossibleRate:
      confidence === undefined ? 1 / (normals + 1) : falseAlarmBound({ normals, exceeding: 0, confidence }),
    guaranteed: ranks > 0,
    exceeding,
    confidence: falseAlarmConfidence({ normals, exceeding, falseAlarmRate }),
  };
}
