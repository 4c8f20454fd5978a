import * as tf from '@tensorflow/tfjs-core';
import { sumOverRows } from '@dskd/core';

/** `x + bias` over the channels; keeps nothing for the gradient. */
export function addBias(x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  const channels = bias.shape[0];
  const operation = tf.customGrad((...args) => {
    const [input, offset] = args as [tf.Tensor4D, tf.Tensor1D];
    return {
      value: tf.add<tf.Tensor4D>(input, offset),
      gradFunc: (dy: tf.Tensor4D): tf.Tensor[] => [
        tf.clone(dy),
        sumOverRows(tf.reshape(dy, [-1, channels]) as tf.Tensor2D),
      ],
    };
  });
  return operation(x, bias);
}
