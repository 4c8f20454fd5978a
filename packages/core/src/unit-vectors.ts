import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';

const EPSILON_SQUARED = 1e-16;

/**
 * Scales every channel vector to length 1: `x / max(|x|, 1e-8)`, over the last axis. A zero vector stays
 * zero and its gradient is finite. The gradient is a custom one (no registry needed, no second derivative).
 *
 * @param features float32 `[batch, height, width, channels]`.
 * @returns a new tensor of the same shape. The caller disposes it.
 */
export function unitVectors(features: Tensor4D): Tensor4D {
  const normalize = tf.customGrad((x, save) => {
    const squaredLength = tf.sum(tf.square(x as Tensor4D), -1, true);
    const unit = tf.mul(x as Tensor4D, inverseLength(squaredLength));
    (save as tf.GradSaveFunc)([unit, squaredLength]);
    const gradFunc = (upstream: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const [y, squared] = saved as [tf.Tensor, tf.Tensor];
      // Below the clamp the length is a constant, so nothing is projected out.
      const projected = tf.cast(tf.greater(squared, EPSILON_SQUARED), 'float32');
      const along = tf.mul(tf.sum(tf.mul(upstream, y), -1, true), projected);
      return tf.mul(tf.sub(upstream, tf.mul(y, along)), inverseLength(squared));
    };
    return { value: unit, gradFunc };
  });
  return tf.tidy(() => normalize(features) as Tensor4D);
}

function inverseLength(squaredLength: tf.Tensor): tf.Tensor {
  return tf.rsqrt(tf.maximum(squaredLength, EPSILON_SQUARED));
}
