import { DskdError } from '@dskd/base';
import { checkScores, type Labels } from './operating-points.js';

export interface TypedScores {
  /** One per sample, finite. */
  readonly scores: ArrayLike<number>;
  /** One per sample, 1 anomalous, 0 normal. */
  readonly labels: Labels;
  /** Defect type of each sample. Not used for normal samples. */
  readonly types: ArrayLike<string>;
  /** One per sample, for error messages. */
  readonly names?: ArrayLike<string>;
}

/** The anomalous samples of one type, followed by all normal samples. */
export interface TypeSplit {
  readonly scores: readonly number[];
  readonly labels: readonly number[];
}

/**
 * Splits the anomalous samples by type, each together with all normal samples, as input of any metric.
 * @returns the split of each type, in the order in which types first appear; empty without anomalous samples. Without
 * normal samples a split has anomalous ones only, and its AUROC is NaN.
 * @throws {DskdError} `shape-mismatch` when the lengths differ; `invalid-argument` for a score that is not finite
 * or a label that is neither 0 nor 1, with the sample's name.
 */
export function splitByType({ scores, labels, types, names }: TypedScores): Map<string, TypeSplit> {
  checkScores(scores, labels, names);
  if (types.length !== scores.length) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${scores.length} scores and ${types.length} types; wanted one type per score.`,
      { details: { scores: scores.length, types: types.length } },
    );
  }
  const normal: number[] = [];
  const byType = new Map<string, number[]>();
  for (let i = 0; i < scores.length; i++) {
    if (Number(labels[i]) === 0) normal.push(scores[i]!);
    else byType.set(types[i]!, [...(byType.get(types[i]!) ?? []), scores[i]!]);
  }
  return new Map(
    [...byType].map(([type, anomalous]) => [
      type,
      { scores: [...anomalous, ...normal], labels: [...anomalous.map(() => 1), ...normal.map(() => 0)] },
    ]),
  );
}
