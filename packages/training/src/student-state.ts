import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';

/** A tensor outside any backend. */
export interface ArrayState {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Everything that Adam remembers. */
export interface AdamState {
  /** Updates made so far. */
  readonly step: number;
  /** By parameter name. */
  readonly firstMoments: ReadonlyMap<string, ArrayState>;
  readonly secondMoments: ReadonlyMap<string, ArrayState>;
}

/** A student between two steps, bit for bit: plain typed arrays, structured-cloneable. */
export interface StudentState {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, ArrayState>;
  readonly buffers: ReadonlyMap<string, ArrayState>;
  readonly optimizer: AdamState;
}

/** Copies variables to the host. */
export async function captureVariables(
  variables: ReadonlyMap<string, Variable>,
): Promise<Map<string, ArrayState>> {
  const captured = new Map<string, ArrayState>();
  for (const [name, variable] of variables) {
    // The cpu backend hands out the array it goes on writing to.
    const data = new Float32Array(await variable.data<'float32'>());
    captured.set(name, { shape: [...variable.shape], data });
  }
  return captured;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}

/**
 * Writes captured arrays back. `kind` names them in errors.
 * @throws {DskdError} `shape-mismatch` if names or shapes differ; then nothing was written.
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
 * Puts a captured student's parameters and running statistics into another one of the same make, for
 * example what a worker trained into a student of the main thread.
 * @throws {DskdError} `shape-mismatch`
 */
export function restoreStudent(student: Student, state: Pick<StudentState, 'parameters' | 'buffers'>): void {
  restoreVariables(student.parameters, state.parameters, 'parameters');
  restoreVariables(student.buffers, state.buffers, 'buffers');
}
