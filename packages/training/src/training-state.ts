// States of variables, of a student and of a run, as plain data that can be saved and restored bit for bit.
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { DskdError, type HistoryEntry } from '@dskd/base';
import type { Student } from '@dskd/core';

/** Shape and values of a tensor, copied to the host. */
export interface ArrayState {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** State of the optimizer. */
export interface OptimizerState {
  /** Number of updates made; where parameters are in groups, of steps done. */
  readonly step: number;
  /** By parameter name: Adam's first moments, or the momentum buffers of SGD; none of RMSProp. */
  readonly firstMoments: ReadonlyMap<string, ArrayState>;
  /** By parameter name: Adam's second moments, or the mean squares of RMSProp; none of SGD. */
  readonly secondMoments: ReadonlyMap<string, ArrayState>;
}

/** State of a student between two steps: plain typed arrays, structured-cloneable. */
export interface StudentState {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, ArrayState>;
  readonly buffers: ReadonlyMap<string, ArrayState>;
  readonly optimizer: OptimizerState;
}

/** State of a run between two steps. A run resumed from it gives the same bits as one without a break. */
export interface TrainingState {
  readonly seed: number;
  readonly batchSize: number;
  /** Number of training images. */
  readonly images: number;
  /** Number of steps done. */
  readonly step: number;
  /** Finished epochs. */
  readonly history: readonly HistoryEntry[];
  /** Sum of each student's losses over the steps of the unfinished epoch. */
  readonly lossSums: Readonly<Record<string, number>>;
  readonly students: readonly StudentState[];
}

/** Copies variables to the host. */
export async function captureVariables(
  variables: ReadonlyMap<string, Variable>,
): Promise<Map<string, ArrayState>> {
  const captured = new Map<string, ArrayState>();
  for (const [name, variable] of variables) {
    // A copy: the cpu backend returns the array that it continues to write to.
    const data = new Float32Array(await variable.data<'float32'>());
    captured.set(name, { shape: [...variable.shape], data });
  }
  return captured;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}

/**
 * Assigns captured arrays to variables of the same names and shapes.
 * @param kind names the variables in the error, for example `parameters`.
 * @throws {DskdError} `shape-mismatch` if names or shapes differ; then nothing was assigned.
 */
export function restoreVariables(
  variables: ReadonlyMap<string, Variable>,
  state: ReadonlyMap<string, ArrayState>,
  kind: string,
): void {
  const problems: string[] = [];
  for (const name of state.keys()) if (!variables.has(name)) problems.push(`${name}: not wanted`);
  for (const [name, variable] of variables) {
    const shape = state.get(name)?.shape;
    if (!shape) problems.push(`${name}: missing`);
    else if (!sameShape(shape, variable.shape)) {
      problems.push(`${name}: got [${shape.join(', ')}], wanted [${variable.shape.join(', ')}]`);
    }
  }
  if (problems.length > 0) {
    throw new DskdError('shape-mismatch', `The state does not fit the ${kind}: ${problems.join('; ')}.`, {
      details: { problems },
    });
  }
  for (const [name, variable] of variables) {
    const { shape, data } = state.get(name)!;
    // A copy: the cpu backend would keep the caller's array.
    tidy(() => variable.assign(tensor(new Float32Array(data), [...shape], 'float32')));
  }
}

/**
 * Copies the parameters and running statistics of a captured state into a student of the same architecture, for
 * example from a student trained in a worker into a student of this thread.
 * @throws {DskdError} `shape-mismatch`
 */
export function restoreStudent(student: Student, state: Pick<StudentState, 'parameters' | 'buffers'>): void {
  restoreVariables(student.parameters, state.parameters, 'parameters');
  restoreVariables(student.buffers, state.buffers, 'buffers');
}

/**
 * Checks that a state belongs to this run.
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
  if (state.step > run.steps) problems.push(`${state.step} steps done, now ${run.steps} in total`);
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
