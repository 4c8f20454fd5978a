import { DskdError } from '@dskd/base';

function checkNormals(normalScores: ArrayLike<number>): void {
  const scores = Array.from(normalScores);
  if (scores.length === 0 || !scores.every(Number.isFinite)) {
    throw new DskdError(
      'invalid-argument',
      `Got ${scores.length} scores of normal pictures, ${scores.filter((score) => !Number.isFinite(score)).length} of them ` +
        'not finite; wanted at least one, all finite.',
      { hint: 'Calibrate on held-out pictures of good parts.', details: { count: scores.length } },
    );
  }
}

/**
 * How rare a score at least this high is among normal pictures: `(1 + #{normals >= score}) / (n + 1)`, with n
 * normal scores. For a normal picture that is exchangeable with them, the chance of a p-value of at most `a` is
 * at most `a`.
 * @param score of the picture in question.
 * @param normalScores of normal pictures that were not trained on.
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

export interface QuantileThreshold {
  /** A picture is anomalous when its score is greater. */
  readonly threshold: number;
  /** The rate that was asked for. */
  readonly falseAlarmRate: number;
  /** `1 / (n + 1)`: nothing below it can be promised from n normal pictures. */
  readonly smallestPossibleRate: number;
  /**
   * Whether the chance of a false alarm on a new normal picture is at most `falseAlarmRate`. If not, the
   * threshold is the highest normal score, and the chance is at most `smallestPossibleRate`.
   */
  readonly guaranteed: boolean;
}

/**
 * The threshold for a stated rate of false alarms, from normal pictures alone: the lowest one for which
 * `score > threshold` exactly when `conformalPValue(score, normalScores) <= falseAlarmRate`.
 * @param normalScores of normal pictures that were not trained on.
 * @param falseAlarmRate above 0, below 1.
 * @throws {DskdError} `invalid-argument` for another rate, without normal scores, or when one is not finite.
 */
export function quantileThreshold(
  normalScores: ArrayLike<number>,
  falseAlarmRate: number,
): QuantileThreshold {
  checkNormals(normalScores);
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1)) {
    throw new DskdError(
      'invalid-argument',
      `Got a false-alarm rate of ${falseAlarmRate}; wanted a number above 0 and below 1.`,
    );
  }
  const descending = Float64Array.from(normalScores).sort().reverse();
  const wanted = descending.length + 1;
  // The most ranks whose p-value, rounded as conformalPValue rounds it, is still within the rate.
  let ranks = Math.floor(falseAlarmRate * wanted);
  if ((ranks + 1) / wanted <= falseAlarmRate) ranks++;
  else if (ranks / wanted > falseAlarmRate) ranks--;
  return {
    threshold: descending[Math.max(ranks - 1, 0)]!,
    falseAlarmRate,
    smallestPossibleRate: 1 / wanted,
    guaranteed: ranks > 0,
  };
}
