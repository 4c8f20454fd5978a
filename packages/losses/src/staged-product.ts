import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/**
 * `a b` as a sum of products over about sqrt(length) of their common length at a time: backends add one term
 * after the other, whose error divided by a small temperature shows. Slower than one product.
 * @param a `[rows, length]`
 * @param b `[length, columns]`
 */
export function stagedProduct(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [rows, length] = a.shape;
  const columns = b.shape[1];
  const stage = Math.ceil(Math.sqrt(length));
  return tf.tidy(() => {
    let sum: Tensor2D | undefined;
    for (let start = 0; start < length; start += stage) {
      const size = Math.min(stage, length - start);
      const part = tf.tidy(() =>
        tf.matMul<Tensor2D>(tf.slice(a, [0, start], [rows, size]), tf.slice(b, [start, 0], [size, columns])),
      );
      const next: Tensor2D = sum ? tf.add(sum, part) : part;
      if (sum) tf.dispose([sum, part]);
      sum = next;
    }
    return sum!;
  });
}
