import type { MemoryLimit } from './memory-limit.js';
import { runs, type StoredTensor } from './stored-tensor.js';
import type { StateDict, StateDictData, StateDictEntry, StateDictType } from './types.js';

interface ElementArray {
  new (buffer: ArrayBuffer): StateDictData;
  readonly BYTES_PER_ELEMENT: number;
}

/** The typed array that holds the elements of each type. */
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

/** Below this many bytes a loop is faster than `set`. */
const SHORT_RUN = 64;

/** Writes the tensor's elements to `target` in row-major order. */
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

/** Every tensor into data of its own. Whether all fit the limit is known before the first is decoded. */
export function decodeTensors(tensors: ReadonlyMap<string, StoredTensor>, limit: MemoryLimit): StateDict {
  let total = 0;
  for (const tensor of tensors.values()) total += tensor.byteLength;
  limit.check(total);
  const decoded: StateDict = new Map();
  for (const [name, tensor] of tensors) decoded.set(name, decodeTensor(tensor, limit));
  return decoded;
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The entry's elements as float32, of whatever type it is; its own array where it is F32 already (not a copy). */
export function toFloat32(entry: StateDictEntry): Float32Array {
  const { dtype, data } = entry;
  if (dtype === 'F32') return data as Float32Array;
  if (dtype === 'F16') return Float32Array.from(data as Uint16Array, halfToFloat);
  if (dtype === 'BF16') {
    const bits = Uint32Array.from(data as Uint16Array, (half) => half << 16);
    return new Float32Array(bits.buffer);
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
