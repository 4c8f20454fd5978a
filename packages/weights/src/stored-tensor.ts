import { invalidWeights } from './byte-reader.js';
import type { MemoryLimit } from './memory-limit.js';
import type { StateDict, StateDictData, StateDictEntry, StateDictType } from './types.js';

/** Bytes that contain the elements of one or more tensors. */
export interface TensorStorage {
  readonly byteLength: number;
  /**
   * Returns the bytes. If `owned` is true, they fill a buffer that was allocated for this call, within `limit`.
   * Otherwise they are a view of the file or of memory that other tensors use as well.
   */
  read(limit: MemoryLimit): { readonly bytes: Uint8Array; readonly owned: boolean };
}

interface Geometry {
  readonly dtype: StateDictType;
  readonly shape: unknown;
  /** Unit: elements. */
  readonly strides: unknown;
  /** Offset of the first element in the storage. Unit: elements. */
  readonly offset: unknown;
  readonly storage: TensorStorage;
  readonly bigEndian?: boolean;
}

/** Largest number of axes, the same as in PyTorch and NumPy. */
const MAX_RANK = 64;

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Type, shape and location of a tensor in a file. All elements are inside the storage; they are not decoded yet. */
export class StoredTensor {
  readonly dtype: StateDictType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TensorStorage;
  readonly bigEndian: boolean;
  /** Number of elements. May be rounded above 2^53. */
  readonly length: number;

  /** @throws {DskdError} `weights-invalid` if an element is outside the storage, or a number is not a valid count */
  constructor(format: string, geometry: Geometry) {
    const { dtype, shape, strides, offset, storage, bigEndian = false } = geometry;
    if (!areCounts(shape) || !areCounts(strides) || shape.length !== strides.length || !isCount(offset)) {
      throw invalidWeights(format, 'a tensor has an invalid shape, strides or offset.');
    }
    this.dtype = dtype;
    // Copied because later opcodes of a pickle can change the lists.
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
          `outside its storage of ${storage.byteLength} bytes.`,
      );
    }
  }

  get byteLength(): number {
    return this.length * elementBytes(this.dtype);
  }

  /** Whether the elements are in row-major order, without gaps, from the start of the storage. */
  get isContiguous(): boolean {
    return this.offset === 0 && runs(this.shape, this.strides).shape.length === 0;
  }
}

/**
 * Splits a tensor into the longest contiguous runs of elements. Returns the number of elements of a run, and the shape
 * and strides of the axes over which the runs are repeated.
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

interface ElementArray {
  new (buffer: ArrayBuffer): StateDictData;
  readonly BYTES_PER_ELEMENT: number;
}

/** Typed array for the elements of each type. */
export const ELEMENT_ARRAYS: Readonly<Record<StateDictType, ElementArray>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  U64: BigUint64Array,
  BOOL: Uint8Array,
};

export function elementBytes(dtype: StateDictType): number {
  return ELEMENT_ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** Runs with fewer bytes are copied by a loop, which is then faster than `set`. */
const SHORT_RUN = 64;

/** Copies the elements of a tensor to `target` in row-major order. */
function gather(tensor: StoredTensor, source: Uint8Array, target: Uint8Array): void {
  const { run, shape, strides } = runs(tensor.shape, tensor.strides);
  const size = elementBytes(tensor.dtype);
  const runBytes = run * size;
  const index = new Array<number>(shape.length).fill(0);
  let from = tensor.offset * size;
  for (let to = 0; to < target.byteLength; to += runBytes) {
    if (runBytes < SHORT_RUN) {
      for (let i = 0; i < runBytes; i++) target[to + i] = source[from + i]!;
    } else {
      target.set(source.subarray(from, from + runBytes), to);
    }
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]! * size;
      if (++index[axis]! < shape[axis]!) break;
      from -= shape[axis]! * strides[axis]! * size;
      index[axis] = 0;
    }
  }
}

function swapByteOrder(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.byteLength; start += size) {
    for (let low = start, high = start + size - 1; low < high; low++, high--) {
      const byte = bytes[low]!;
      bytes[low] = bytes[high]!;
      bytes[high] = byte;
    }
  }
}

function decodeTensor(tensor: StoredTensor, limit: MemoryLimit): StateDictEntry {
  const { dtype, shape, storage } = tensor;
  const { bytes, owned } = storage.read(limit);
  let decoded: Uint8Array<ArrayBuffer>;
  if (owned && tensor.isContiguous && bytes.byteLength === tensor.byteLength) {
    decoded = bytes as Uint8Array<ArrayBuffer>;
  } else {
    decoded = limit.allocate(tensor.byteLength);
    gather(tensor, bytes, decoded);
    if (owned) limit.release(bytes.byteLength);
  }
  if (tensor.bigEndian) swapByteOrder(decoded, elementBytes(dtype));
  return { dtype, shape, data: new ELEMENT_ARRAYS[dtype](decoded.buffer) };
}

/**
 * Copies every tensor to a buffer of its own.
 * @throws {DskdError} `weights-too-large` if the tensors together exceed the limit, before any memory is allocated
 */
export function decodeTensors(tensors: ReadonlyMap<string, StoredTensor>, limit: MemoryLimit): StateDict {
  let total = 0;
  for (const tensor of tensors.values()) total += tensor.byteLength;
  limit.check(total);
  const decoded: StateDict = new Map();
  for (const [name, tensor] of tensors) decoded.set(name, decodeTensor(tensor, limit));
  return decoded;
}

/** Every float16 as float32, by its bits. */
function everyHalf(): Float32Array {
  const floats = new Float32Array(2 ** 16);
  const bits = new Uint32Array(floats.buffer);
  for (let half = 0; half < floats.length; half++) {
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      floats[half] = fraction * 2 ** -24;
    } else {
      // The bias of the exponent is 15 in float16 and 127 in float32; 31 and 255 are infinity and NaN.
      bits[half] = ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
    }
    bits[half]! |= (half & 0x8000) << 16;
  }
  return floats;
}

let floatOfHalf: Float32Array | undefined;

function halvesToFloats(halves: Uint16Array): Float32Array {
  floatOfHalf ??= everyHalf();
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = floatOfHalf[halves[i]!]!;
  return floats;
}

/** Converts the elements of an entry to float32. If the type is F32 already, returns `entry.data` without a copy. */
export function toFloat32(entry: StateDictEntry): Float32Array {
  const { dtype, data } = entry;
  if (dtype === 'F32') return data as Float32Array;
  if (dtype === 'F16') return halvesToFloats(data as Uint16Array);
  if (dtype === 'BF16') {
    const bits = Uint32Array.from(data as Uint16Array, (half) => half << 16);
    return new Float32Array(bits.buffer);
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
