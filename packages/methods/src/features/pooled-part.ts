import type { Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { JsonObject } from '../contract.js';
import { asJson } from '../json.js';
import {
  fitGaussian,
  gaussianConfig,
  restoreGaussian,
  type GaussianPart,
  type VectorMaker,
} from './gaussian-part.js';
import { joinRows } from './matrices.js';
import { pooledOptions, type PooledOptions } from './part-options.js';
import { download, type PartContext, type PartFitter, type SavedPart } from './parts.js';
import { pooledLevels } from './patch-plans.js';

// The pooled Gaussian of PUAD ("PUAD: Frustratingly Simple Method for Robust Anomaly Detection", Sugawara and Imamura,
// 2024): the Mahalanobis distance of features that are pooled over positions. It sees what an image is made of, and not
// where: a branch without a map.

const pooledConfig = z.object({ options: pooledOptions, ...gaussianConfig });

/** Pools features over their positions. */
export class Pooling implements VectorMaker {
  readonly #options: PooledOptions;
  readonly #levels: readonly number[];
  readonly width: number;

  constructor(options: PooledOptions, context: PartContext) {
    this.#options = options;
    this.#levels = pooledLevels(options, context);
    const { levels } = context.teacher.extractor;
    const channels = this.#levels.reduce((sum, index) => sum + levels[index]!.channels, 0);
    this.width = options.pooling === 'mean-and-deviation' ? 2 * channels : channels;
  }

  async of(features: readonly tf.Tensor4D[]): Promise<Rows> {
    return { data: await download(this.tensor(features)), count: features[0]!.shape[0], width: this.width };
  }

  /** One row an image: of each level the means of all channels, then their standard deviations. */
  tensor(features: readonly tf.Tensor4D[]): tf.Tensor2D {
    return tf.tidy(() =>
      tf.concat(
        this.#levels.flatMap((index) => {
          const level = features[index]!;
          const [images, height, width, channels] = level.shape;
          // On wasm several times as fast as tf.moments.
          const meanOf = (x: tf.Tensor4D): tf.Tensor4D => tf.avgPool(x, [height, width], 1, 'valid');
          const mean = meanOf(level);
          const row = (x: tf.Tensor4D): tf.Tensor2D => tf.reshape(x, [images, channels]);
          if (this.#options.pooling === 'mean') return [row(mean)];
          const variance = meanOf(tf.squaredDifference(level, mean));
          // As torch.std: divided by one fewer than the number of positions.
          const positions = height * width;
          return [row(mean), row(tf.sqrt(tf.mul(variance, positions / Math.max(1, positions - 1))))];
        }),
        1,
      ),
    );
  }

  save(): SavedPart {
    return {
      config: { options: asJson(this.#options) },
      tensors: new Map(),
    };
  }
}

/** Collects the pooled features of the training images. */
export class PooledFitter implements PartFitter {
  readonly #pooling: Pooling;
  readonly #rows: Rows[] = [];

  constructor(
    readonly name: string,
    options: PooledOptions,
    context: PartContext,
  ) {
    this.#pooling = new Pooling(options, context);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    this.#rows.push(await this.#pooling.of(features));
  }

  finish(progress: (done: number) => void): Promise<{ part: GaussianPart; record: JsonObject }> {
    const fitted = fitGaussian(this.name, this.#pooling, joinRows(this.#rows));
    progress(1);
    return Promise.resolve(fitted);
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/**
 * Restores a pooled Gaussian.
 * @throws {DskdError} `artifact-invalid` for a config that is none; `weights-mismatch`; `invalid-config` for levels that
 * the teacher does not have.
 */
export function restorePooled(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): GaussianPart {
  const checked = tensorFiles.checkMetadata(pooledConfig, config, 'detector');
  return restoreGaussian(name, new Pooling(checked.options, context), checked, tensors);
}
