import { DskdError } from '@dskd/base';
import { byCodeUnit } from './samples.js';

/** One thing wrong with a dataset. */
export interface DatasetProblem {
  /** Of the file or folder, relative to the dataset where it lies inside. */
  readonly path: string;
  readonly problem: string;
}

const SHOWN = 12;

/**
 * All of `problems` as one error. The message shows the first dozen by path, `details.problems` has all.
 */
export function datasetError(
  root: string,
  problems: readonly DatasetProblem[],
  hint = 'Mend, move or remove what is named, then start again.',
): DskdError {
  const sorted = [...problems].sort((a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.problem, b.problem));
  const lines = sorted.slice(0, SHOWN).map(({ path, problem }) => `  ${path}: ${problem}`);
  if (sorted.length > SHOWN) lines.push(`  and ${sorted.length - SHOWN} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new DskdError('dataset-invalid', `The dataset ${root} has ${count}:\n${lines.join('\n')}`, {
    details: { root, problems: sorted },
    hint,
  });
}
