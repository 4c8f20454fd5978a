import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';

/** Bytes of an element. */
export const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/**
 * Returns the elements of `info` in the wasm heap, without a copy. An allocation may grow the heap and detach the
 * array: call it again after each makeOutput and each kernel call.
 */
export function floats(backend: BackendWasm, info: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(info) as Float32Array;
}

/**
 * Returns the whole heap as float32, for copies between tensors, of which `info` is one. Growth of the heap
 * detaches it, as with {@link floats}.
 */
export function heapFloats(backend: BackendWasm, info: TensorInfo): Float32Array {
  return new Float32Array(floats(backend, info).buffer);
}

/** Index of the first element of `info` in {@link heapFloats}. */
export function heapIndex(backend: BackendWasm, info: TensorInfo): number {
  return backend.getMemoryOffset(info.dataId) / FLOAT;
}

/** As {@link floats}, for integers of 32 bits in the memory of `info`. */
export function integers(backend: BackendWasm, info: TensorInfo): Int32Array {
  const { buffer, byteOffset, length } = floats(backend, info);
  return new Int32Array(buffer, byteOffset, length);
}

/** Allocates memory for `shape` without initializing it. Free it with `backend.disposeData`. */
export function allocate(backend: BackendWasm, shape: number[]): TensorInfo {
  return backend.makeOutput(shape, 'float32');
}

/** Runs `work` on memory that is freed afterward. */
export function withScratch<T>(backend: BackendWasm, shape: number[], work: (scratch: TensorInfo) => T): T {
  const scratch = allocate(backend, shape);
  try {
    return work(scratch);
  } finally {
    backend.disposeData(scratch.dataId);
  }
}

/**
 * Runs `work` on a tensor with its own id that shares the memory of `info` from element `start` on. The own id is
 * needed: XNNPACK operators are cached by the id of their weights only, not by the shape.
 */
export function withView<T>(
  backend: BackendWasm,
  info: TensorInfo,
  start: number,
  shape: number[],
  work: (view: TensorInfo) => T,
): T {
  const offset = backend.getMemoryOffset(info.dataId) + start * FLOAT;
  const view = backend.makeOutput(shape, 'float32', offset);
  try {
    return work(view);
  } finally {
    // Not backend.disposeData: that would free the memory, which belongs to `info`.
    backend.wasm.tfjs.disposeData(backend.dataIdMap.get(view.dataId).id);
    backend.dataIdMap.delete(view.dataId);
  }
}

/** A matrix in a larger array: row `r` begins at `offset + r * rowStride`. */
interface MatrixPlace {
  readonly values: Float32Array;
  readonly offset: number;
  readonly rowStride: number;
}

// Sixteen floats are one cache line of the target, and sixteen source rows stay in the first-level cache even if their
// distance is a large power of two.
const ROW_BLOCK = 16;

/** `target[c, r] = source[r, c]` for a source of `rows` x `columns`. */
export function transposeInto(source: MatrixPlace, rows: number, columns: number, target: MatrixPlace): void {
  const from = source.values;
  const to = target.values;
  const fromStride = source.rowStride;
  const toStride = target.rowStride;
  const blocked = columns - (columns % 4);
  for (let first = 0; first < rows; first += ROW_BLOCK) {
    const last = Math.min(first + ROW_BLOCK, rows);
    const fromBlock = source.offset + first * fromStride;
    for (let c = 0; c < blocked; c += 4) {
      let i = fromBlock + c;
      let t0 = target.offset + c * toStride + first;
      let t1 = t0 + toStride;
      let t2 = t1 + toStride;
      let t3 = t2 + toStride;
      for (let r = first; r < last; r++) {
        to[t0++] = from[i]!;
        to[t1++] = from[i + 1]!;
        to[t2++] = from[i + 2]!;
        to[t3++] = from[i + 3]!;
        i += fromStride;
      }
    }
    for (let c = blocked; c < columns; c++) {
      let i = fromBlock + c;
      let t = target.offset + c * toStride + first;
      for (let r = first; r < last; r++) {
        to[t++] = from[i]!;
        i += fromStride;
      }
    }
  }
}

/** `target[r, c] = source[r, c]` for `rows` x `columns`. */
export function copyInto(source: MatrixPlace, rows: number, columns: number, target: MatrixPlace): void {
  const from = source.values;
  const to = target.values;
  for (let r = 0; r < rows; r++) {
    let i = source.offset + r * source.rowStride;
    let t = target.offset + r * target.rowStride;
    for (let c = 0; c < columns; c++) to[t++] = from[i++]!;
  }
}

/** `target += addend`, element by element. */
export function addInto(target: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += addend[i]!;
}
