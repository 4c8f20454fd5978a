import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

// Kernels called expm1 and log1p are exp(x) - 1 and log(1 + x) on the GPU backends, and slow on wasm. These
// are made of the four operations, which every backend has fast and to the last place.

/** Largest |x| that the rational form of {@link expm1OfDoubled} takes; its relative error there is 5e-7. */
export const REACH = 0.5;

/** How often x must be halved so that the half of a half ... of `bound` is within reach. */
export function halvingsFor(bound: number): number {
  return Math.max(0, Math.ceil(Math.log2(bound / REACH)));
}

/**
 * `exp(2^halvings x) - 1` with the relative accuracy of float32 near 0, for |x| <= {@link REACH}.
 * x / (1 - x/2 + x^2/12 - x^4/720) is exp(x) - 1 up to x^6/30240; then e <- e (e + 2) doubles the argument.
 */
export function expm1OfDoubled<T extends Tensor>(x: T, halvings: number): T {
  return tf.tidy(() => {
    const q = tf.square(x);
    const even = tf.add(tf.mul(q, tf.add(tf.mul(q, -1 / 720), 1 / 12)), 1);
    let e: Tensor = tf.div(x, tf.sub(even, tf.mul(x, 0.5)));
    for (let i = 0; i < halvings; i++) e = tf.mul(e, tf.add(e, 2));
    return e as T;
  });
}

/**
 * `log(1 + u)` for u >= 0 with the relative accuracy of float32 near 0:
 * 2 artanh(z), z = u / (2 + u), by its series where u < 0.5.
 */
export function log1pOfPositive<T extends Tensor>(u: T): T {
  return tf.tidy(() => {
    const z = tf.div(u, tf.add(u, 2));
    const q = tf.square(z);
    let series: Tensor = tf.add(tf.mul(q, 1 / 9), 1 / 7);
    for (const coefficient of [1 / 5, 1 / 3, 1]) series = tf.add(tf.mul(series, q), coefficient);
    return tf.where<T>(tf.less(u, 0.5), tf.mul(tf.mul(z, 2), series), tf.log(tf.add(u, 1)));
  });
}
