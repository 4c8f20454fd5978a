import { ledoitWolf, mahalanobis, whitenedRows, type AxisGaussian, type Rows } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, JsonObject } from '../contract.js';
import { firstRows, floats, floatsOf, gatherRows, joinRows, orthonormal } from './matrices.js';
import { pooledOptions, type PooledOptions } from './part-options.js';
import {
  download,
  type LearningPart,
  type Lesson,
  type PartContext,
  type PartFitter,
  type SavedPart,
} from './parts.js';
import { pooledLevels } from './patch-plans.js';

// The pooled Gaussian of PUAD ("PUAD: Frustratingly Simple Method for Robust Anomaly Detection", Sugawara and Imamura,
// 2024): the Mahalanobis distance of features that are pooled over positions. It sees what an image is made of, and not
// where: a branch without a map.

const pooledConfig = z.object({
  options: pooledOptions,
  axes: z.int().nonnegative(),
  /** Number of images of each lesson, the latest last. */
  lessons: z.array(z.int().positive()),
});
type PooledConfig = z.output<typeof pooledConfig>;

/** Of float32, as a file keeps it. */
interface Gaussian extends AxisGaussian {
  readonly mean: Float32Array;
  readonly axes: Float32Array;
  readonly variances: Float32Array;
}

/** Where there are more values than this, no more than this many images are fitted: time grows with the cube. */
const MOST_ROWS = 500;

/** Pools features over their positions. */
export class Pooling {
  readonly #levels: readonly number[];
  readonly #withDeviation: boolean;
  readonly width: number;

  constructor(options: PooledOptions, context: PartContext) {
    this.#levels = pooledLevels(options, context);
    this.#withDeviation = options.pooling === 'mean-and-deviation';
    const { levels } = context.teacher.extractor;
    const channels = this.#levels.reduce((sum, index) => sum + levels[index]!.channels, 0);
    this.width = this.#withDeviation ? 2 * channels : channels;
  }

  /** One row an image: of each level the means of all channels, then their standard deviations. */
  async of(features: readonly tf.Tensor4D[]): Promise<Rows> {
    const count = features[0]!.shape[0];
    const pooled = tf.tidy(() =>
      tf.concat(
        this.#levels.flatMap((index) => {
          const level = features[index]!;
          const { mean, variance } = tf.moments(level, [1, 2]);
          if (!this.#withDeviation) return [mean as tf.Tensor2D];
          // As torch.std: divided by one fewer than the number of positions.
          const positions = level.shape[1] * level.shape[2];
          const unbiased = tf.mul(variance, positions / Math.max(1, positions - 1));
          return [mean as tf.Tensor2D, tf.sqrt(unbiased as tf.Tensor2D)];
        }),
        1,
      ),
    );
    return { data: await download(pooled), count, width: this.width };
  }
}

/** A Gaussian of pooled features as a branch without a map. */
export class PooledPart implements LearningPart {
  readonly info: BranchInfo;
  readonly #pooling: Pooling;
  /** Orthonormal, of the whitened taught images. */
  #directions: readonly Float32Array[];

  /** @param taught pooled features of the images of all lessons. */
  constructor(
    readonly name: string,
    context: PartContext,
    private config: PooledConfig,
    private readonly gaussian: Gaussian,
    private taught: Rows,
  ) {
    this.info = { name, map: false };
    this.#pooling = new Pooling(config.options, context);
    this.#directions = directionsOf(taught, gaussian);
  }

  #teach(taught: Rows): void {
    this.taught = taught;
    this.#directions = directionsOf(taught, this.gaussian);
  }

  get lessons(): number {
    return this.config.lessons.length;
  }

  async score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const rows = await this.#pooling.of(features);
    const scores = mahalanobis(rows, this.gaussian);
    // How a taught image differs from the mean is normal, however far it goes: that direction does not count. As a
    // second center it would help no other image: in so many dimensions good images are far from each other.
    if (this.#directions.length > 0) {
      const { data, count, width } = whitenedRows(rows, this.gaussian);
      for (let image = 0; image < count; image++) {
        const own = data.subarray(image * width, (image + 1) * width);
        scores[image] = Math.min(scores[image]!, lengthBeside(own, this.#directions));
      }
    }
    return { name: this.name, map: null, scores };
  }

  beginLesson(): Lesson {
    const seen: Rows[] = [];
    return {
      add: async (features) => {
        seen.push(await this.#pooling.of(features));
      },
      finish: () => {
        const added = joinRows(seen);
        return Promise.resolve(() => {
          this.#teach(joinRows([this.taught, added]));
          this.config = { ...this.config, lessons: [...this.config.lessons, added.count] };
        });
      },
    };
  }

  forget(): void {
    const { lessons } = this.config;
    this.#teach(firstRows(this.taught, this.taught.count - lessons.at(-1)!));
    this.config = { ...this.config, lessons: lessons.slice(0, -1) };
  }

  save(): SavedPart {
    const { mean, axes, variances, restVariance } = this.gaussian;
    const tensors: StateDict = new Map();
    // All are vectors: those stay float32 in a file of float16, so that scores are the same before and after.
    tensors.set('mean', floats([mean.length], mean));
    if (axes.length > 0) tensors.set('axes', floats([axes.length], axes));
    const all = Float32Array.of(...variances, restVariance);
    tensors.set('variances', floats([all.length], all));
    const { data } = this.taught;
    if (data.length > 0) tensors.set('taught', floats([data.length], data));
    return { config: JSON.parse(JSON.stringify(this.config)) as JsonObject, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/** What is left of a direction that others explain is rounding below this part of its length. */
const RESOLUTION = 1e-3;

function directionsOf(taught: Rows, gaussian: Gaussian): Float32Array[] {
  if (taught.count === 0) return [];
  const { data, count, width } = whitenedRows(taught, gaussian);
  const directions: Float32Array[] = [];
  for (let row = 0; row < count; row++) {
    const vector = data.subarray(row * width, (row + 1) * width);
    const direction = orthonormal(vector, directions, RESOLUTION * lengthBeside(vector, []));
    if (direction) directions.push(direction);
  }
  return directions;
}

/** The length of a vector without its parts along orthonormal directions. */
function lengthBeside(vector: Float32Array, directions: readonly Float32Array[]): number {
  const rest = Float64Array.from(vector);
  for (const direction of directions) {
    const along = rest.reduce((sum, value, index) => sum + value * direction[index]!, 0);
    for (let index = 0; index < rest.length; index++) rest[index]! -= along * direction[index]!;
  }
  return Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0));
}

/** Rows at even distances, at most `most`. */
function spread(rows: Rows, most: number): Rows {
  if (rows.count <= most) return rows;
  return gatherRows(
    rows,
    Array.from({ length: most }, (_, i) => Math.floor((i * rows.count) / most)),
  );
}

/** Collects the pooled features of the training images. */
export class PooledFitter implements PartFitter {
  readonly #pooling: Pooling;
  readonly #rows: Rows[] = [];

  constructor(
    readonly name: string,
    private readonly options: PooledOptions,
    private readonly context: PartContext,
  ) {
    this.#pooling = new Pooling(options, context);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    this.#rows.push(await this.#pooling.of(features));
  }

  finish(progress: (done: number) => void): Promise<{ part: PooledPart; record: JsonObject }> {
    const rows = joinRows(this.#rows);
    const { count, width } = rows;
    const { mean, axes, variances, restVariance, shrinkage } = ledoitWolf(
      width > MOST_ROWS ? spread(rows, MOST_ROWS) : rows,
    );
    const gaussian = {
      mean: Float32Array.from(mean),
      axes: Float32Array.from(axes),
      variances: Float32Array.from(variances),
      restVariance: Math.fround(restVariance),
    };
    progress(1);
    const config = { options: this.options, axes: variances.length, lessons: [] };
    const none = { data: new Float32Array(0), count: 0, width };
    const part = new PooledPart(this.name, this.context, config, gaussian, none);
    return Promise.resolve({ part, record: { images: count, width, shrinkage } });
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
): PooledPart {
  const checked = tensorFiles.checkMetadata(pooledConfig, config, 'detector');
  const { width } = new Pooling(checked.options, context);
  const variances = floatsOf(tensors, 'variances', [checked.axes + 1]);
  const gaussian = {
    mean: floatsOf(tensors, 'mean', [width]),
    axes: checked.axes > 0 ? floatsOf(tensors, 'axes', [checked.axes * width]) : new Float32Array(0),
    variances: variances.subarray(0, -1),
    restVariance: variances.at(-1)!,
  };
  const count = checked.lessons.reduce((sum, images) => sum + images, 0);
  const data = count > 0 ? floatsOf(tensors, 'taught', [count * width]) : new Float32Array(0);
  return new PooledPart(name, context, checked, gaussian, { data, count, width });
}
