import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Backends whose argMax gives the first of equal entries. That of webgpu gives any of them. */
const FIRST_OF_EQUALS: ReadonlySet<string> = new Set(['cpu', 'wasm']);

export interface FirstMaximum extends tf.TensorContainerObject {
  readonly values: Tensor1D;
  /** int32 */
  readonly indices: Tensor1D;
}

/** The largest entry of each row, and the lowest index that has it. The caller disposes both. */
export function firstMaximum(scores: Tensor2D): FirstMaximum {
  return tf.tidy(() => {
    const largest = tf.max<Tensor2D>(scores, 1, true);
    const values = tf.reshape<tf.Rank.R1>(largest, [-1]);
    if (FIRST_OF_EQUALS.has(tf.getBackend())) return { values, indices: tf.argMax<Tensor1D>(scores, 1) };
    const count = scores.shape[1];
    // float32 holds these numbers exactly: rows are far shorter than 2^24.
    const fromEnd = tf.range(count, 0, -1, 'float32');
    const isLargest = tf.cast(tf.greaterEqual(scores, largest), 'float32');
    const first = tf.sub(count, tf.max<Tensor1D>(tf.mul(isLargest, fromEnd), 1));
    // In a row with NaN nothing is the largest: the last index is one that exists.
    return { values, indices: tf.cast(tf.minimum(first, count - 1), 'int32') };
  });
}
