import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { rowSums } from './row-sums.js';

/** Below this a vector has no direction (torch's eps of cosine_similarity). */
const SMALLEST_NORM = 1e-8;

/** Rows of length 1, and one over the length that they had (0 for a row without direction). */
export type NormalizedRows = {
  /** `[rows, channels]` */
  readonly unit: Tensor2D;
  /** `[rows, 1]` */
  readonly inverseNorm: Tensor2D;
};

/** Divides the rows of `[rows, channels]` by their lengths; rows shorter than 1e-8 become 0. */
export function normalized(rows: Tensor2D): NormalizedRows {
  return tf.tidy(() => {
    const squaredNorm = rowSums(tf.square(rows));
    const hasDirection = tf.cast(tf.greater(squaredNorm, SMALLEST_NORM ** 2), 'float32');
    const inverseNorm = tf.mul<Tensor2D>(tf.rsqrt(tf.maximum(squaredNorm, SMALLEST_NORM ** 2)), hasDirection);
    const unit = tf.mul<Tensor2D>(rows, inverseNorm);
    return { unit, inverseNorm };
  });
}

/**
 * The gradient with respect to the rows before they were normalized, from the one with respect to the
 * units: (I - s s^T) gradient / |f|.
 */
export function throughNormalization(gradient: Tensor2D, { unit, inverseNorm }: NormalizedRows): Tensor2D {
  return tf.tidy(() => {
    const along = rowSums(tf.mul(unit, gradient));
    return tf.mul<Tensor2D>(tf.sub(gradient, tf.mul(unit, along)), inverseNorm);
  });
}
