import * as tf from '@tensorflow/tfjs-core';

/** `relu(a + b)`, keeping only its result for the gradient. Shapes are equal. */
export function addRelu(a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  const operation = tf.customGrad((...args) => {
    const [first, second, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    const value = tf.tidy(() => tf.relu(tf.add<tf.Tensor4D>(first, second)));
    save([value]);
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor[] => {
      const gradient = tf.tidy(() => tf.mul(dy, tf.step(saved[0]!)));
      // tfjs disposes accumulated gradients one by one: each input needs a handle of its own.
      return [gradient, tf.clone(gradient)];
    };
    return { value, gradFunc };
  });
  return operation(a, b);
}
