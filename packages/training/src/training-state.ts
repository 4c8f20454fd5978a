import { DskdError, type HistoryEntry } from '@dskd/base';
import type { StudentState } from './student-state.js';

/** A run between two steps: plain data, enough to go on as if it had never stopped. */
export interface TrainingState {
  readonly seed: number;
  readonly batchSize: number;
  /** How many training images. */
  readonly images: number;
  /** Steps done. */
  readonly step: number;
  /** Finished epochs. */
  readonly history: readonly HistoryEntry[];
  /** Per student, the sum of its losses over the steps of the unfinished epoch. */
  readonly lossSums: Readonly<Record<string, number>>;
  readonly students: readonly StudentState[];
}

/**
 * Refuses to go on from a state of another run.
 * @throws {DskdError} `invalid-argument` naming everything that differs.
 */
export function assertResumable(
  state: TrainingState,
  run: {
    readonly seed: number;
    readonly batchSize: number;
    readonly images: number;
    readonly steps: number;
  },
  students: readonly string[],
): void {
  const problems: string[] = [];
  for (const key of ['seed', 'batchSize', 'images'] as const) {
    if (state[key] !== run[key]) problems.push(`${key} ${state[key]}, now ${run[key]}`);
  }
  if (state.step > run.steps) problems.push(`${state.step} steps done, now ${run.steps} in all`);
  const saved = state.students.map(({ name }) => name);
  if ([...saved].sort().join('\n') !== [...students].sort().join('\n')) {
    problems.push(`students ${saved.join(', ')}, now ${students.join(', ')}`);
  }
  if (problems.length > 0) {
    throw new DskdError('invalid-argument', `The checkpoint is of another run: ${problems.join('; ')}.`, {
      hint: 'Resume with the seed, batch size, images and students that the checkpoint was made with.',
      details: { problems },
    });
  }
}
