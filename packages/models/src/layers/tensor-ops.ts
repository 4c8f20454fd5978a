import { accurateSum } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** Returns `x + bias` for each row of `[rows, channels]`. Keeps no tensor for the gradient. */
export function addBias(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const operation = tf.customGrad((...args) => {
    const [input, offset] = args as [tf.Tensor2D, tf.Tensor1D];
    return {
      value: tf.add<tf.Tensor2D>(input, offset),
      gradFunc: (dy: tf.Tensor2D): tf.Tensor[] => [tf.clone(dy), accurateSum(dy, 0)],
    };
  });
  return operation(x, bias);
}

/** Returns `a + b` of tensors with equal shapes. Keeps nothing for the gradient; `tf.add` keeps both. */
export function addMaps(a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  const operation = tf.customGrad((...args) => {
    const [first, second] = args as [tf.Tensor4D, tf.Tensor4D];
    const value = tf.add<tf.Tensor4D>(first, second);
    // tfjs disposes accumulated gradients one by one, so each input needs its own handle.
    return { value, gradFunc: (dy: tf.Tensor4D): tf.Tensor[] => [tf.clone(dy), tf.clone(dy)] };
  });
  return operation(a, b);
}

/**
 * What `compute` gives as a constant of the pass around it, which keeps nothing of it: no gradient goes through it. Gradients
 * may be taken in it; they have a tape of their own.
 */
export function asConstant(compute: () => tf.Tensor4D): tf.Tensor4D {
  const { state } = tf.engine();
  const { activeTape, gradientDepth } = state;
  state.gradientDepth = 0;
  try {
    return tf.tidy(compute);
  } finally {
    state.activeTape = activeTape;
    state.gradientDepth = gradientDepth;
  }
}

/** Returns `relu(a + b)` of tensors with equal shapes. Keeps only its result for the gradient. */
export function addRelu(a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  const operation = tf.customGrad((...args) => {
    const [first, second, save] = args as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    const value = tf.tidy(() => tf.relu(tf.add<tf.Tensor4D>(first, second)));
    save([value]);
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor[] => {
      const gradient = tf.tidy(() => tf.mul(dy, tf.step(saved[0]!)));
      // tfjs disposes accumulated gradients one by one, so each input needs its own handle.
      return [gradient, tf.clone(gradient)];
    };
    return { value, gradFunc };
  });
  return operation(a, b);
}

/**
 * Crops a map at the bottom and right, or adds zeros there, so that it has the size `[height, width]`. Needed after
 * a map was doubled whose larger counterpart has an odd side.
 */
export function fitMap(x: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [batch, rows, columns, channels] = x.shape;
  const cropped =
    rows > height || columns > width
      ? tf.slice(x, [0, 0, 0, 0], [batch, Math.min(rows, height), Math.min(columns, width), channels])
      : x;
  const [below, right] = [Math.max(0, height - rows), Math.max(0, width - columns)];
  if (below === 0 && right === 0) return cropped;
  return tf.pad(cropped, [[0, 0], [0, below], [0, right], [0, 0]]); // prettier-ignore
}
