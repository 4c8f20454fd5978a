import type { Tensor4D } from '@tensorflow/tfjs-core';

/** The training images, by index. */
export interface ImageSet {
  readonly length: number;
  /** Whether `batch` gives other pixels in another epoch (augmentation): then features are not cached. */
  readonly changesEachEpoch: boolean;
  /**
   * @param indices each in `[0, length)`.
   * @param epoch from 0. What is drawn for an image may depend on (seed, epoch, index), on nothing else.
   * @returns float32 `[indices.length, height, width, 3]`, RGB, 0..1. The loop disposes it.
   */
  batch(indices: readonly number[], epoch: number): Promise<Tensor4D>;
}
