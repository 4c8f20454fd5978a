import * as tf from '@tensorflow/tfjs-core';
import { sumOverRows } from '@dskd/core';

/** `x + bias` for each row of `[rows, channels]`; keeps nothing for the gradient. */
export function addBias(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const operation = tf.customGrad((...args) => {
    const [input, offset] = args as [tf.Tensor2D, tf.Tensor1D];
    return {
      value: tf.add<tf.Tensor2D>(input, offset),
      gradFunc: (dy: tf.Tensor2D): tf.Tensor[] => [tf.clone(dy), sumOverRows(dy)],
    };
  });
  return operation(x, bias);
}
