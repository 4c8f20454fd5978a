import { DskdError } from '@dskd/base';
import type { Rows } from '@dskd/closed-form';
import { storedAs, toFloat32, type StateDict, type StateDictEntry, type TensorStorage } from '@dskd/weights';

/**
 * `values` as a file of this storage gives them back: with `float16` each is rounded to 11 significant bits, so that a
 * model has the same scores before it is saved and after.
 */
export function roundedAs(storage: TensorStorage, name: string, values: Float32Array): Float32Array {
  return toFloat32(storedAs(storage, name, { dtype: 'F32', shape: [values.length, 1], data: values }));
}

/** A float32 tensor of a state. */
export function floats(shape: readonly number[], data: Float32Array): StateDictEntry {
  return { dtype: 'F32', shape, data };
}

/**
 * The tensor `name` of a saved part as float32.
 * @throws {DskdError} `weights-mismatch` where it is missing, or has another shape.
 */
export function tensorOf(
  tensors: StateDict,
  name: string,
  shape: readonly (number | null)[],
): StateDictEntry {
  const entry = tensors.get(name);
  const matches =
    entry?.shape.length === shape.length &&
    shape.every((side, axis) => side === null || side === entry.shape[axis]);
  if (entry && matches) return entry;
  const wanted = `[${shape.map((side) => side ?? '*').join(', ')}]`;
  throw new DskdError(
    'weights-mismatch',
    `Got ${entry ? `tensor ${name} of shape [${entry.shape.join(', ')}]` : `no tensor ${name}`}; wanted ${wanted}.`,
    {
      hint: 'The file was put together by something else, or damaged: get it again, or train again.',
      details: { tensor: name, got: entry?.shape ?? null, wanted: shape },
    },
  );
}

/** {@link tensorOf} as rows. */
export function rowsOf(tensors: StateDict, name: string, width: number): Rows {
  const entry = tensorOf(tensors, name, [null, width]);
  return { data: toFloat32(entry), count: entry.shape[0]!, width };
}

/**
 * Refuses rows of lessons that leave none of the fit.
 * @throws {DskdError} `artifact-invalid`
 */
export function assertFitKept(name: string, { count }: Rows, ofLessons: readonly number[]): void {
  const added = ofLessons.reduce((sum, rows) => sum + rows, 0);
  if (added < count) return;
  throw new DskdError(
    'artifact-invalid',
    `The lessons of the branch ${name} have ${added} rows of its ${count}; wanted fewer: those of the fit come first.`,
    { hint: 'The file was put together by something else, or damaged: get it again, or train again.' },
  );
}

/** The rows at `indexes`, in that order. */
export function gatherRows({ data, width }: Rows, indexes: ArrayLike<number>): Rows {
  const gathered = new Float32Array(indexes.length * width);
  for (let row = 0; row < indexes.length; row++) {
    const start = indexes[row]! * width;
    gathered.set(data.subarray(start, start + width), row * width);
  }
  return { data: gathered, count: indexes.length, width };
}

/** The rows of all, one after another. */
export function joinRows(all: readonly Rows[]): Rows {
  const { width } = all[0]!;
  const count = all.reduce((sum, rows) => sum + rows.count, 0);
  const data = new Float32Array(count * width);
  let at = 0;
  for (const rows of all) {
    data.set(rows.data, at);
    at += rows.data.length;
  }
  return { data, count, width };
}

/** `vector` without its parts along `basis`, of length 1; null where nothing is left. */
export function orthonormal(vector: Float32Array, basis: readonly Float32Array[]): Float32Array | null {
  const rest = Float64Array.from(vector);
  const before = lengthOf(rest);
  for (const direction of basis) {
    let dot = 0;
    for (let i = 0; i < rest.length; i++) dot += rest[i]! * direction[i]!;
    for (let i = 0; i < rest.length; i++) rest[i]! -= dot * direction[i]!;
  }
  const length = lengthOf(rest);
  if (!(length > 1e-3 * before)) return null;
  return Float32Array.from(rest, (value) => value / length);
}

function lengthOf(vector: Float64Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
