import { DskdError } from '@dskd/base';
import type { Rows } from '@dskd/closed-form';
import {
  type StateDict,
  type StateDictEntry,
  tensorFiles,
  type TensorStorage,
  toFloat32,
} from '@dskd/weights';

/**
 * `values` as a file of this storage gives them back: with `float16` each is rounded to 11 significant bits, so that a
 * model has the same scores before it is saved and after.
 * @param name of the tensor, for the error.
 * @throws {DskdError} `invalid-argument` for a number too large for float16.
 */
export function roundedAs(storage: TensorStorage, name: string, values: Float32Array): Float32Array {
  return toFloat32(
    tensorFiles.storedAs(storage, name, { dtype: 'F32', shape: [values.length, 1], data: values }),
  );
}

/** A float32 tensor of a state. */
export function floats(shape: readonly number[], data: Float32Array): StateDictEntry {
  return { dtype: 'F32', shape, data };
}

const FLOATS: readonly StateDictEntry['dtype'][] = ['F16', 'BF16', 'F32', 'F64'];

/** The tensor `name`; null in `shape` stands for any positive number. */
function entryOf(
  tensors: StateDict,
  name: string,
  shape: readonly (number | null)[],
  dtypes: readonly StateDictEntry['dtype'][],
): StateDictEntry {
  const entry = tensors.get(name);
  const matches =
    entry?.shape.length === shape.length &&
    shape.every((side, axis) => (side === null ? entry.shape[axis]! > 0 : side === entry.shape[axis])) &&
    entry.data.length === entry.shape.reduce((size, side) => size * side, 1) &&
    dtypes.includes(entry.dtype);
  if (entry && matches) return entry;
  const got = entry
    ? `tensor ${name} (${entry.dtype}) of shape [${entry.shape.join(', ')}]`
    : `no tensor ${name}`;
  const wanted = `${dtypes.join(' or ')} of shape [${shape.map((side) => side ?? '*').join(', ')}]`;
  throw new DskdError('weights-mismatch', `Got ${got}; wanted ${wanted}.`, {
    hint: 'The file was put together by something else, or damaged: get it again, or train again.',
    details: { tensor: name, got: entry?.shape ?? null, wanted: shape },
  });
}

/** {@link floatsOf} as it is stored. */
export function floatEntryOf(tensors: StateDict, name: string, shape: readonly number[]): StateDictEntry {
  return entryOf(tensors, name, shape, FLOATS);
}

/**
 * The values of the tensor `name` of a saved part.
 * @throws {DskdError} `weights-mismatch` where it is missing, or has another shape or element type.
 */
export function floatsOf(tensors: StateDict, name: string, shape: readonly number[]): Float32Array {
  return toFloat32(entryOf(tensors, name, shape, FLOATS));
}

/** {@link floatsOf} for integers. */
export function integersOf(tensors: StateDict, name: string, shape: readonly number[]): Int32Array {
  return entryOf(tensors, name, shape, ['I32']).data as Int32Array;
}

/** {@link floatsOf} for bytes. */
export function bytesOf(tensors: StateDict, name: string, shape: readonly number[]): Uint8Array {
  return entryOf(tensors, name, shape, ['U8']).data as Uint8Array;
}

/** {@link floatsOf} as rows, at least one. */
export function rowsOf(tensors: StateDict, name: string, width: number): Rows {
  const entry = entryOf(tensors, name, [null, width], FLOATS);
  return { data: toFloat32(entry), count: entry.shape[0]!, width };
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

/** The first `count` rows, in an array of their own. */
export function firstRows({ data, width }: Rows, count: number): Rows {
  return { data: data.slice(0, count * width), count, width };
}

/** The rows of all, one after another; at least one of `all`. */
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

/** Vectors of one length as rows; at least one. */
export function rowsOfVectors(vectors: readonly Float32Array[]): Rows {
  return joinRows(vectors.map((data) => ({ data, count: 1, width: data.length })));
}

/** `vector` without its parts along `basis`, of length 1; null where no more than `least` is left of it. */
export function orthonormal(
  vector: Float32Array,
  basis: readonly Float32Array[],
  least: number,
): Float32Array | null {
  const rest = Float64Array.from(vector);
  for (const direction of basis) {
    const along = rest.reduce((sum, value, i) => sum + value * direction[i]!, 0);
    for (let i = 0; i < rest.length; i++) rest[i]! -= along * direction[i]!;
  }
  const length = Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0));
  return length > least ? Float32Array.from(rest, (value) => value / length) : null;
}
