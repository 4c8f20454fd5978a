import type { InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import { affineInput, type AffineInput } from '../affine-input.js';
import type { ModelRun } from './model-run.js';

/** Runs a model on images after its input transform. Owns the transform's tensors, not the model. */
export class Runner {
  readonly #model: ModelRun;
  readonly #transform: InputTransform;
  readonly #input: AffineInput;
  #asynchronous = false;

  constructor(model: ModelRun, transform: InputTransform) {
    this.#model = model;
    this.#transform = transform;
    this.#input = affineInput(transform);
  }

  /** Whether the model has to be run by `runAsync`: known after the dry run. */
  get asynchronous(): boolean {
    return this.#asynchronous;
  }

  #prepare(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const rgb = tf.sub<tf.Tensor4D>(tf.mul(images, this.#input.factor), this.#input.offset);
      return this.#transform.channelOrder === 'rgb' ? rgb : tf.reverse(rgb, 3);
    });
  }

  runSync(images: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => this.#model.run(this.#prepare(images)));
  }

  async run(images: tf.Tensor4D): Promise<tf.Tensor[]> {
    if (!this.#asynchronous) return this.runSync(images);
    const prepared = this.#prepare(images);
    try {
      return await this.#model.runAsync!(prepared);
    } finally {
      prepared.dispose();
    }
  }

  /** Shapes for one black image; finds out whether the model must be run asynchronously. */
  async dryRun(size: readonly [number, number], batch: number): Promise<number[][]> {
    const image = tf.zeros<tf.Rank.R4>([batch, ...size, 3]);
    try {
      let results: tf.Tensor[];
      try {
        results = await this.run(image);
      } catch (error) {
        // What tfjs says of control flow and of nodes that answer with a promise.
        if (!this.#model.runAsync || !String(error).includes('executeAsync')) throw error;
        this.#asynchronous = true;
        results = await this.run(image);
      }
      const shapes = results.map(({ shape }) => [...shape]);
      tf.dispose(results);
      return shapes;
    } finally {
      image.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.#input.factor, this.#input.offset]);
  }
}
