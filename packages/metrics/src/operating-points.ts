import { DskdError } from '@dskd/base';

/** 1 or `true`: anomalous (positive). 0 or `false`: normal (negative). */
export type Labels = ArrayLike<number> | ArrayLike<boolean>;

/** Counts at one threshold. A sample is flagged when its score is greater than the threshold. */
export interface OperatingPoint {
  /**
   * Half way between the lowest flagged score and the highest one that is not, so that `>` and `>=` flag the
   * same samples. `Infinity` at the point that flags nothing, just below the lowest score at the one that
   * flags everything.
   */
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
}

/**
 * Checks the input of a rank metric.
 * @param names one per sample, for error messages.
 * @throws {DskdError} `shape-mismatch` when the lengths differ; `invalid-argument` for a score that is not
 * finite or a label that is neither 0 nor 1.
 */
export function checkScores(scores: ArrayLike<number>, labels: Labels, names?: ArrayLike<string>): void {
  if (scores.length !== labels.length) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${scores.length} scores and ${labels.length} labels; wanted one label per score.`,
      { details: { scores: scores.length, labels: labels.length } },
    );
  }
  if (names && names.length !== scores.length) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${scores.length} scores and ${names.length} names; wanted one name per score.`,
      { details: { scores: scores.length, names: names.length } },
    );
  }
  const of = (i: number): string => (names ? `${i} (${names[i]!})` : String(i));
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!Number.isFinite(score)) {
      throw new DskdError('invalid-argument', `Got ${score} as score ${of(i)}; wanted finite scores.`, {
        hint: 'A detector that scores NaN or infinity is broken; leaving those samples out would hide that.',
        details: { index: i, name: names?.[i] },
      });
    }
    const label = Number(labels[i]);
    if (label !== 0 && label !== 1) {
      throw new DskdError(
        'invalid-argument',
        `Got ${String(labels[i])} as label ${of(i)}; wanted 0 or 1 (or a boolean).`,
        { details: { index: i, name: names?.[i] } },
      );
    }
  }
}

/**
 * Counts at every distinct threshold, from flagging nothing to flagging everything. Tied scores are flagged
 * together. These are the points of the ROC and precision-recall curves.
 * @throws {DskdError} `shape-mismatch` when the lengths differ; `invalid-argument` for a score that is not
 * finite or a label that is neither 0 nor 1.
 */
export function operatingPoints(scores: ArrayLike<number>, labels: Labels): OperatingPoint[] {
  checkScores(scores, labels);
  const order = new Uint32Array(scores.length).map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  let truePositives = 0;
  let falsePositives = 0;
  const points: OperatingPoint[] = [{ threshold: Infinity, truePositives, falsePositives }];
  for (let rank = 0; rank < order.length; rank++) {
    const index = order[rank]!;
    if (Number(labels[index]) === 1) truePositives++;
    else falsePositives++;
    const score = scores[index]!;
    const isLast = rank + 1 === order.length;
    const next = isLast ? justBelow(score) : scores[order[rank + 1]!]!;
    if (next === score) continue;
    points.push({ threshold: isLast ? next : between(next, score), truePositives, falsePositives });
  }
  return points;
}

/** The midpoint of two different scores; the lower one where there is no number between them. */
export function between(lower: number, upper: number): number {
  const middle = lower / 2 + upper / 2;
  return middle >= lower && middle < upper ? middle : lower;
}

/** A threshold that flags `score` and, in float32, almost nothing below it. */
export function justBelow(score: number): number {
  return score - Math.max(Math.abs(score) * 2 ** -20, 2 ** -126);
}
