import type * as tf from '@tensorflow/tfjs-core';

/** An input or output of somebody else's model, as tfjs describes it. */
export interface ModelEnd {
  readonly name: string;
  /** `null` or -1 where any number will do. */
  readonly shape?: readonly (number | null)[];
  readonly dtype: string;
}

/** What the adapters make of a model: its one input, and how to get the outputs that are to be levels. */
export interface ModelRun {
  readonly name: string;
  readonly inputs: readonly ModelEnd[];
  /** Names of what `run` returns, in its order. */
  readonly outputs: readonly string[];
  run(images: tf.Tensor4D): tf.Tensor[];
  /** For models whose nodes cannot be computed synchronously. */
  runAsync?(images: tf.Tensor4D): Promise<tf.Tensor[]>;
}

/** tfjs gives a single output without its array. */
export function asArray(results: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(results) ? results : [results];
}
