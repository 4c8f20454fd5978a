import { elementBytes } from './decode-tensor.js';
import { invalidWeights } from './byte-reader.js';
import type { MemoryLimit } from './memory-limit.js';
import type { StateDictType } from './types.js';

/** Bytes that tensors look into. */
export interface TensorStorage {
  readonly byteLength: number;
  /**
   * Its bytes. `owned` are bytes in a buffer of their own that nobody else refers to (allocated within
   * `limit`); otherwise they are a view, of the file or of what other tensors use too.
   */
  read(limit: MemoryLimit): { readonly bytes: Uint8Array; readonly owned: boolean };
}

interface Geometry {
  readonly dtype: StateDictType;
  readonly shape: unknown;
  /** In elements. */
  readonly strides: unknown;
  /** Of the first element, in elements. */
  readonly offset: unknown;
  readonly storage: TensorStorage;
  readonly bigEndian?: boolean;
}

/** torch and NumPy allow 64 as well. */
const MAX_RANK = 64;

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A tensor as its file describes it, known to lie within its storage; nothing is decoded yet. */
export class StoredTensor {
  readonly dtype: StateDictType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TensorStorage;
  readonly bigEndian: boolean;
  /** Number of elements. Not always an exact integer where no memory could hold them. */
  readonly length: number;

  /** @throws {DskdError} `weights-invalid` unless every element lies within the storage. */
  constructor(format: string, geometry: Geometry) {
    const { dtype, shape, strides, offset, storage, bigEndian = false } = geometry;
    if (!areCounts(shape) || !areCounts(strides) || shape.length !== strides.length || !isCount(offset)) {
      throw invalidWeights(format, 'a tensor has a shape, strides or an offset that are no counts.');
    }
    this.dtype = dtype;
    // Copies: what a pickle hands over it can change later on.
    this.shape = [...shape];
    this.strides = [...strides];
    this.offset = offset;
    this.storage = storage;
    this.bigEndian = bigEndian;
    this.length = shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, 1);
    const last = shape.reduce((sum, side, axis) => sum + (side - 1) * strides[axis]!, offset);
    const end = this.length === 0 ? offset : last + 1;
    if (!(end * elementBytes(dtype) <= storage.byteLength)) {
      throw invalidWeights(
        format,
        `a tensor (${dtype} [${shape.join(', ')}], strides [${strides.join(', ')}], offset ${offset}) ends ` +
          `beyond its storage of ${storage.byteLength} bytes.`,
      );
    }
  }

  get byteLength(): number {
    return this.length * elementBytes(this.dtype);
  }

  /** Whether its elements lie in row-major order from the start of the storage. */
  get isContiguous(): boolean {
    return this.offset === 0 && runs(this.shape, this.strides).shape.length === 0;
  }
}

/**
 * The longest runs of neighboring elements: each is `run` long; `shape` and `strides` are the axes that
 * remain to be walked from one to the next.
 */
export function runs(
  shape: readonly number[],
  strides: readonly number[],
): { run: number; shape: number[]; strides: number[] } {
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  let run = 1;
  while (axes.length > 0 && strides[axes.at(-1)!] === run) run *= shape[axes.pop()!]!;
  return { run, shape: axes.map((axis) => shape[axis]!), strides: axes.map((axis) => strides[axis]!) };
}
