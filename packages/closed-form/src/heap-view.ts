import * as tf from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';

/**
 * Values of a float32 tensor where they lie, in the memory of the wasm backend: for results of megabytes that are looked through
 * once. A copy of each would have to be made, and collected as garbage.
 * @returns a view that is valid until the next operation or `await`; undefined on other backends.
 */
export function heapView({ dataId, shape, dtype }: TensorInfo): Float32Array | undefined {
  const backend = tf.backend() as { typedArrayFromHeap?: (info: TensorInfo) => Float32Array };
  return backend.typedArrayFromHeap?.({ dataId, shape, dtype });
}
