import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

// A power of two, so that the division inside an average pooling is exact.
const WINDOW = 64;
const COLUMNS_OF_A_FULL_SUM = 256;

/**
 * `tf.sum` in short stages: no float32 sum has more than 511 terms, so the error does not grow with their number.
 * Differentiable with a custom gradient, which needs no gradient registry and has no second derivative.
 *
 * @param x float32, any shape.
 * @returns a scalar. The caller disposes it.
 */
export function accurateSum(x: Tensor): Scalar;
/**
 * The sum of each column, in stages of at most 64 terms. On wasm it is about forty times faster than `tf.sum(x, 0)`,
 * which transposes.
 *
 * @param x float32 `[rows, columns]`.
 * @returns `[columns]`. The caller disposes it.
 */
export function accurateSum(x: Tensor2D, axis: 0): Tensor1D;
export function accurateSum(x: Tensor, axis?: 0): Tensor {
  return axis === 0 ? sumOverRows(x as Tensor2D) : sumAll(x);
}

function sumOverRows(x: Tensor2D): Tensor1D {
  const sum = tf.customGrad((input) => {
    const [rows, columns] = (input as Tensor2D).shape;
    return {
      value: columnSums(input as Tensor2D),
      gradFunc: (upstream: Tensor) => tf.tile(tf.reshape(upstream, [1, columns]), [rows, 1]),
    };
  });
  return tf.tidy(() => sum(x) as Tensor1D);
}

function sumAll(x: Tensor): Scalar {
  const sum = tf.customGrad((input) => {
    const { shape } = input as Tensor;
    return {
      value: fullSum(tf.reshape(input as Tensor, [-1])),
      gradFunc: (upstream: Tensor) =>
        tf.tile(
          tf.reshape(
            upstream,
            shape.map(() => 1),
          ),
          shape,
        ),
    };
  });
  return tf.tidy(() => sum(x) as Scalar);
}

function fullSum(flat: Tensor1D): Scalar {
  const rows = Math.floor(flat.size / COLUMNS_OF_A_FULL_SUM);
  if (rows < 2) return tf.sum(flat);
  const whole = rows * COLUMNS_OF_A_FULL_SUM;
  const table = tf.reshape<tf.Rank.R2>(tf.slice(flat, 0, whole), [rows, COLUMNS_OF_A_FULL_SUM]);
  const sum = tf.sum<Scalar>(columnSums(table));
  return whole === flat.size ? sum : tf.add<Scalar>(sum, tf.sum(tf.slice(flat, whole)));
}

/** Column sums by average pooling, the only reduction over a leading axis that is fast on every backend. */
function columnSums(x: Tensor2D): Tensor1D {
  const [rows, columns] = x.shape;
  if (rows <= WINDOW) return tf.sum<Tensor1D>(x, 0);
  const windows = Math.floor(rows / WINDOW);
  const image = tf.reshape<tf.Rank.R4>(x, [1, rows, 1, columns]);
  const means: Tensor4D = tf.avgPool(image, [WINDOW, 1], [WINDOW, 1], 'valid');
  const sums = tf.mul(columnSums(tf.reshape(means, [windows, columns])), WINDOW);
  const rest = rows - windows * WINDOW;
  if (rest === 0) return sums as Tensor1D;
  return tf.add(sums, tf.sum(tf.slice(x, [windows * WINDOW, 0]), 0));
}
