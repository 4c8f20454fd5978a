import { ledoitWolf, mahalanobis, whitening, type Rows } from '@dskd/closed-form';
import { checkMetadata, toFloat32, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchOutput, JsonObject } from '../contract.js';
import { floats, gatherRows, joinRows, orthonormal, rowsOf, tensorOf } from './matrices.js';
import type { Part, PartContext, PartFitter } from './parts.js';
import { levelsOf, pooledOptions, type PooledOptions } from './part-options.js';

// The pooled Gaussian of PUAD ("PUAD: Frustratingly Simple Method for Robust Anomaly Detection", Sugawara and Imamura,
// 2024): the Mahalanobis distance of features that are pooled over positions. It sees what an image is made of, and not
// where: a branch without a map.

const pooledConfig = z.object({
  options: pooledOptions,
  /** Number of taught images that each lesson added, the latest last. */
  lessons: z.array(z.int().nonnegative()),
});
type PooledConfig = z.output<typeof pooledConfig>;

interface Gaussian {
  readonly mean: Float32Array;
  /** `[width, width]`, lower triangular. */
  readonly whitening: Float32Array;
  /** Whitened vectors of taught images, each `[width]`. */
  readonly taught: Rows;
}

/** Pooled features `[batch, width]`; the caller disposes it. */
function pool(
  features: readonly tf.Tensor4D[],
  indexes: readonly number[],
  pooling: PooledOptions['pooling'],
): tf.Tensor2D {
  return tf.tidy(() => {
    const parts = indexes.flatMap((index) => {
      const { mean, variance } = tf.moments(features[index]!, [1, 2]);
      const deviation = (): tf.Tensor2D => {
        // torch.std divides by one fewer than the number of positions.
        const [, height, width] = features[index]!.shape;
        const positions = height * width;
        return tf.sqrt(tf.mul(variance as tf.Tensor2D, positions / Math.max(1, positions - 1)));
      };
      return pooling === 'mean' ? [mean as tf.Tensor2D] : [mean as tf.Tensor2D, deviation()];
    });
    return parts.length === 1 ? parts[0]!.clone() : tf.concat(parts, 1);
  });
}

async function pooledRows(
  features: readonly tf.Tensor4D[],
  indexes: readonly number[],
  pooling: PooledOptions['pooling'],
): Promise<Rows> {
  const pooled = pool(features, indexes, pooling);
  const [count, width] = pooled.shape;
  const data = (await pooled.data()) as Float32Array;
  pooled.dispose();
  return { data, count, width };
}

function indexesOf(options: PooledOptions, { teacher }: PartContext): number[] {
  return levelsOf(options.levels, teacher.extractor, 'all').map((level) => level - 1);
}

/** A Gaussian of pooled features as a branch without a map. */
export class PooledPart implements Part {
  readonly info;
  readonly #indexes: readonly number[];
  #pending: Float32Array[] = [];
  /** Orthonormal, of the taught images. */
  #directions: readonly Float32Array[];

  constructor(
    readonly name: string,
    private readonly context: PartContext,
    private config: PooledConfig,
    private gaussian: Gaussian,
  ) {
    this.info = { name, map: false };
    this.#indexes = indexesOf(config.options, this.context);
    this.#directions = directionsOf(gaussian.taught);
  }

  #teach(taught: Rows): void {
    this.gaussian = { ...this.gaussian, taught };
    this.#directions = directionsOf(taught);
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const rows = await pooledRows(features, this.#indexes, this.config.options.pooling);
    const { mean, whitening: lower, taught } = this.gaussian;
    const scores = mahalanobis(rows, mean, lower);
    // How a taught image differs from the mean is normal, however far it goes: that direction does not count. As a second
    // center it would help no other image: in so many dimensions good images are far from each other.
    for (let image = 0; taught.count > 0 && image < rows.count; image++) {
      const own = whitened(rows.data.subarray(image * rows.width, (image + 1) * rows.width), this.gaussian);
      scores[image] = Math.min(scores[image]!, distanceBeside(own, this.#directions));
    }
    return { name: this.name, map: null, scores };
  }

  async learn(features: readonly tf.Tensor4D[]): Promise<void> {
    const rows = await pooledRows(features, this.#indexes, this.config.options.pooling);
    for (let image = 0; image < rows.count; image++) {
      this.#pending.push(
        whitened(rows.data.subarray(image * rows.width, (image + 1) * rows.width), this.gaussian),
      );
    }
  }

  endLesson(): void {
    const width = this.gaussian.mean.length;
    const lesson = this.#pending.splice(0).map((data) => ({ data, count: 1, width }));
    this.#teach(joinRows([this.gaussian.taught, ...lesson]));
    this.config = { ...this.config, lessons: [...this.config.lessons, lesson.length] };
  }

  dropLesson(): void {
    this.#pending = [];
  }

  forget(): void {
    const { taught } = this.gaussian;
    const count = taught.count - (this.config.lessons.at(-1) ?? 0);
    this.#teach(
      gatherRows(
        taught,
        Int32Array.from({ length: count }, (_, row) => row),
      ),
    );
    this.config = { ...this.config, lessons: this.config.lessons.slice(0, -1) };
  }

  save(): { config: JsonObject; tensors: StateDict } {
    const { mean, whitening: lower, taught } = this.gaussian;
    const width = mean.length;
    const tensors: StateDict = new Map([
      ['mean', floats([width], mean)],
      // A vector stays float32 in a file of float16: scores are then the same before and after.
      ['whitening', floats([width * width], lower)],
    ]);
    if (taught.count > 0) tensors.set('taught', floats([taught.data.length], taught.data));
    return { config: JSON.parse(JSON.stringify(this.config)) as JsonObject, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

function whitened(vector: Float32Array, { mean, whitening: lower }: Gaussian): Float32Array {
  const width = mean.length;
  const result = new Float32Array(width);
  for (let row = 0; row < width; row++) {
    let sum = 0;
    for (let column = 0; column <= row; column++) {
      sum += lower[row * width + column]! * (vector[column]! - mean[column]!);
    }
    result[row] = sum;
  }
  return result;
}

function directionsOf({ data, count, width }: Rows): Float32Array[] {
  const directions: Float32Array[] = [];
  for (let row = 0; row < count; row++) {
    const direction = orthonormal(data.slice(row * width, (row + 1) * width), directions);
    if (direction) directions.push(direction);
  }
  return directions;
}

/** The length of a vector without its parts along orthonormal directions. */
function distanceBeside(vector: Float32Array, directions: readonly Float32Array[]): number {
  const rest = Float64Array.from(vector);
  for (const direction of directions) {
    let dot = 0;
    for (let i = 0; i < rest.length; i++) dot += rest[i]! * direction[i]!;
    for (let i = 0; i < rest.length; i++) rest[i]! -= dot * direction[i]!;
  }
  return Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0));
}

/** Collects the pooled features of the training images. */
export class PooledFitter implements PartFitter {
  readonly #indexes: readonly number[];
  readonly #rows: Rows[] = [];

  constructor(
    readonly name: string,
    private readonly options: PooledOptions,
    private readonly context: PartContext,
  ) {
    this.#indexes = indexesOf(options, context);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    this.#rows.push(await pooledRows(features, this.#indexes, this.options.pooling));
  }

  finish(progress: (done: number) => void): Promise<{ part: PooledPart; record: JsonObject }> {
    const rows = joinRows(this.#rows);
    const { mean, covariance, shrinkage } = ledoitWolf(rows);
    const gaussian = {
      mean: Float32Array.from(mean),
      whitening: Float32Array.from(whitening(covariance, rows.width)),
      taught: { data: new Float32Array(0), count: 0, width: rows.width },
    };
    progress(1);
    const config = { options: this.options, lessons: [] };
    const part = new PooledPart(this.name, this.context, config, gaussian);
    return Promise.resolve({ part, record: { images: rows.count, width: rows.width, shrinkage } });
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/**
 * Restores a pooled Gaussian.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`
 */
export function restorePooled(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): PooledPart {
  const checked = checkMetadata(pooledConfig, config, 'detector');
  const { options } = checked;
  const channels = indexesOf(options, context).reduce(
    (sum, index) => sum + context.teacher.extractor.levels[index]!.channels,
    0,
  );
  const width = options.pooling === 'mean' ? channels : 2 * channels;
  const taught = checked.lessons.reduce((sum, count) => sum + count, 0);
  const flat = taught > 0 ? toFloat32(tensorOf(tensors, 'taught', [taught * width])) : new Float32Array(0);
  return new PooledPart(name, context, checked, {
    mean: toFloat32(tensorOf(tensors, 'mean', [width])),
    whitening: toFloat32(tensorOf(tensors, 'whitening', [width * width])),
    taught: rowsOf(new Map([['taught', floats([taught, width], flat)]]), 'taught', width),
  });
}
