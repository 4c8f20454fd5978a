import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/**
 * The elements of `info` where they lie in the wasm heap. Any allocation may grow the heap and detach the
 * array: ask again after each makeOutput and each kernel call.
 */
export function floats(backend: BackendWasm, info: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(info) as Float32Array;
}

/**
 * The whole heap as float32, for copies between tensors of which `info` is one; detached by growth like
 * {@link floats}.
 */
export function heapFloats(backend: BackendWasm, info: TensorInfo): Float32Array {
  return new Float32Array(floats(backend, info).buffer);
}

/** Index of the first element of `info` in {@link heapFloats}. */
export function heapIndex(backend: BackendWasm, info: TensorInfo): number {
  return backend.getMemoryOffset(info.dataId) / Float32Array.BYTES_PER_ELEMENT;
}

/** New memory for `shape`, not initialized. Free it with `backend.disposeData`. */
export function allocate(backend: BackendWasm, shape: number[]): TensorInfo {
  return backend.makeOutput(shape, 'float32');
}

/** Runs `work` on memory that is freed afterwards. */
export function withScratch<T>(backend: BackendWasm, shape: number[], work: (scratch: TensorInfo) => T): T {
  const scratch = allocate(backend, shape);
  try {
    return work(scratch);
  } finally {
    backend.disposeData(scratch.dataId);
  }
}

/**
 * Runs `work` on a tensor that shares the memory of `info` from element `start` on, under an id of its own.
 * The id matters: XNNPACK operators are cached by the id of their weights alone, whatever its shape.
 */
export function withView<T>(
  backend: BackendWasm,
  info: TensorInfo,
  start: number,
  shape: number[],
  work: (view: TensorInfo) => T,
): T {
  const offset = backend.getMemoryOffset(info.dataId) + start * Float32Array.BYTES_PER_ELEMENT;
  const view = backend.makeOutput(shape, 'float32', offset);
  try {
    return work(view);
  } finally {
    // Not backend.disposeData: that would free the memory, which belongs to `info`.
    backend.wasm.tfjs.disposeData(backend.dataIdMap.get(view.dataId).id);
    backend.dataIdMap.delete(view.dataId);
  }
}
