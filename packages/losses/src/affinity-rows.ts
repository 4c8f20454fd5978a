import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { expm1OfDoubled, REACH } from './exponential.js';
import { rowSums } from './row-sums.js';

/** What {@link highTemperatureRows} and {@link lowTemperatureRows} find out of a block of rows. `[rows, 1]` unless said otherwise. */
export interface AffinityRows {
  /** u >= 0, of which KL is `shift / T + log1p(u)`. */
  readonly excess: Tensor2D;
  /** Absent where it is 0 everywhere. */
  readonly shift?: Tensor2D;
  /** `(1 + u) (q - p)`, `[rows, positions]`; computed when asked for. */
  readonly weights: () => Tensor2D;
}

/**
 * @param logits t_i.t_j / T, `[rows, positions]`.
 * @param changes a_ij = (s_i - t_i).t_j / T, times 2^-halvings so that they and their centered values are at most 0.5.
 */
export function highTemperatureRows(logits: Tensor2D, changes: Tensor2D, halvings: number): AffinityRows {
  const p = tf.softmax(logits);
  // A tidy each: the largest maps are why blocks of rows are small, and what is not needed should not add up.
  const e = tf.tidy(() => {
    const mean = tf.tidy(() => rowSums(tf.mul(p, changes)));
    return expm1OfDoubled(tf.sub<Tensor2D>(changes, mean), halvings);
  });
  const excess = tf.tidy(() => tf.relu<Tensor2D>(rowSums(tf.mul(p, e))));
  return { excess, weights: () => tf.mul(p, tf.sub(e, excess)) };
}

/** exp(20) times any number of positions is a float32. */
const ROOM = 20;

/**
 * The same for temperatures so low that exp(a) may be no float32, and p 0 where q is not: p and q stay
 * logarithms until the largest of q is known, of which e^shift is taken out where it is more than e^20.
 * Logarithms are times T, so that none grows beyond float32 either.
 * @param similarities t_i.t_j, `[rows, positions]`.
 * @param changes (s_i - t_i).t_j
 */
export function lowTemperatureRows(
  similarities: Tensor2D,
  changes: Tensor2D,
  temperature: number,
): AffinityRows {
  const below = tf.sub(similarities, tf.max(similarities, 1, true));
  const logSum = tf.log(rowSums(tf.exp(tf.div(below, temperature))));
  const logP = tf.sub<Tensor2D>(below, tf.mul(logSum, temperature));
  const p = tf.exp<Tensor2D>(tf.div(logP, temperature));
  const centered = tf.sub<Tensor2D>(changes, rowSums(tf.mul(p, changes)));
  // Of q (1 + u) e^shift.
  const logQ = tf.add(logP, centered);
  const shift = tf.relu<Tensor2D>(tf.sub(tf.max(logQ, 1, true), ROOM * temperature));
  const change = tf.div<Tensor2D>(tf.sub(centered, shift), temperature);
  const growth = tf.where<Tensor2D>(
    tf.less(tf.abs(change), REACH),
    tf.mul(p, expm1OfDoubled(tf.clipByValue(change, -REACH, REACH), 0)),
    tf.sub(tf.exp(tf.div(tf.sub(logQ, shift), temperature)), p),
  );
  const excess = tf.relu(rowSums(growth));
  return { excess, shift, weights: () => tf.sub(growth, tf.mul(p, excess)) };
}
