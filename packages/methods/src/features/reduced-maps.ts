import type { Rows } from '@dskd/closed-form';
import * as tf from '@tensorflow/tfjs-core';
import type { PartContext } from './parts.js';
import { PatchEmbedder, type PatchPlan } from './patches.js';

/** Principal axes that channels are reduced to: patches become `(patches - mean) rows^T`. */
export interface ChannelAxes {
  /** `[channels before]` */
  readonly mean: Float32Array;
  /** Orthonormal, `[channels after, channels before]`. */
  readonly rows: Rows;
}

/** Brings patches `[n, channels before]` to `[n, channels after]`. */
export class ChannelReduction {
  readonly #mean: tf.Tensor1D;
  readonly #transposed: tf.Tensor2D;

  constructor({ mean, rows }: ChannelAxes) {
    this.#mean = tf.tensor1d(mean);
    this.#transposed = tf.tidy(() => tf.transpose(tf.tensor2d(rows.data, [rows.count, rows.width])));
  }

  /** @returns the caller disposes it. */
  apply(patches: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => tf.matMul<tf.Tensor2D>(tf.sub<tf.Tensor2D>(patches, this.#mean), this.#transposed));
  }

  dispose(): void {
    tf.dispose([this.#mean, this.#transposed]);
  }
}

/** Whole maps of patches, each as one row, with their channels reduced where there are axes. */
export class ReducedMaps {
  /** Of a position. */
  readonly channels: number;
  readonly #embedder: PatchEmbedder;
  readonly #reduction: ChannelReduction | null;

  constructor(
    readonly plan: PatchPlan,
    { teacher }: PartContext,
    axes: ChannelAxes | null,
  ) {
    this.channels = axes?.rows.count ?? plan.width;
    this.#embedder = new PatchEmbedder(plan, teacher.extractor);
    this.#reduction = axes && new ChannelReduction(axes);
  }

  /** @returns `[batch, positions * channels]`; the caller disposes it. */
  of(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const patches = this.#embedder.embed(features);
      const [batch] = patches.shape;
      const rows = tf.reshape<tf.Rank.R2>(patches, [-1, this.plan.width]);
      return tf.reshape<tf.Rank.R2>(this.#reduction?.apply(rows) ?? rows, [batch, -1]);
    });
  }

  dispose(): void {
    this.#embedder.dispose();
    this.#reduction?.dispose();
  }
}
