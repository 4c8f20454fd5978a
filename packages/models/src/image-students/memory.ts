// The memory of MNAD: a few unit vectors that are trained by no gradient.
import * as tf from '@tensorflow/tfjs-core';
import type { NetworkPlan } from '../layers/network-plan.js';

/** Positions of a batch beside the items of a memory. */
export interface Memory {
  /** A copy of the items, `[1, 1, items, length]`. The caller disposes it. */
  items(): tf.Tensor4D;
  /**
   * For each query the items, weighted by a softmax over their products with it. Neither the weights nor the items have a
   * gradient, as in the authors' code.
   * @param queries `[rows, length]`, unit vectors.
   * @returns `[rows, length]`
   */
  read(queries: tf.Tensor2D): tf.Tensor2D;
  /**
   * Each item moves to those queries whose nearest item it is: their sum is added, each with the softmax, over all queries, of its
   * product with the item, divided by the largest; then the item gets length 1.
   * @param queries as of {@link read}
   */
  update(queries: tf.Tensor2D): void;
}

/** A value without a gradient. Nothing that `compute` does is recorded. */
function constantOf(input: tf.Tensor2D, compute: (input: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
  const operation = tf.customGrad<tf.Tensor2D>((...args) => {
    const [x] = args as [tf.Tensor2D];
    return { value: tf.tidy(() => compute(x)), gradFunc: (dy: tf.Tensor2D) => tf.zerosLike(dy) };
  });
  return operation(input);
}

/**
 * Adds a memory to a network's plan, as a buffer `memory.items`, at first of random directions with entries that are not negative
 * (Park et al., CVPR 2020, Sec. 3.2; cvlab-yonsei/MNAD, model/Memory.py).
 */
export function planMemory(plan: NetworkPlan, items: number, length: number): Memory {
  const slot = plan.parameter({
    name: 'memory.items',
    torchShape: [items, length, 1, 1],
    layout: 'convolution',
    initial: { kind: 'directions', length },
    trainable: false,
  });
  /** `[length, items]` */
  const columns = (): tf.Tensor2D => slot.as2D(length, items);
  return {
    items: () => tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.transpose(columns()), [1, 1, items, length])),
    read: (queries) =>
      constantOf(queries, (rows) => {
        const weights = tf.softmax<tf.Tensor2D>(tf.matMul(rows, columns()));
        return tf.matMul<tf.Tensor2D>(weights, tf.transpose(columns()));
      }),
    update(queries) {
      tf.tidy(() => {
        const products = tf.matMul<tf.Tensor2D>(queries, columns());
        const isNearest = tf.oneHot(tf.argMax(products, 1), items);
        // The softmax over the queries divided by its largest: its sum cancels.
        const weights = tf.mul(tf.exp(tf.sub(products, tf.max(products, 0, true))), isNearest);
        const moves = tf.matMul(tf.transpose(queries), weights);
        const moved = tf.add<tf.Tensor2D>(columns(), moves);
        const unit = tf.div(moved, tf.norm(moved, 'euclidean', 0, true));
        slot.variable.assign(tf.reshape(unit, slot.variable.shape));
      });
    },
  };
}
