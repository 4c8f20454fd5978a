import { ledoitWolf, mahalanobis, whitenedRows, type AxisGaussian, type Rows } from '@dskd/closed-form';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, BranchTensors, JsonObject } from '../contract.js';
import { areEqual, assertDifferent } from './different-images.js';
import { firstRows, floats, floatsOf, gatherRows, joinRows, orthonormal } from './matrices.js';
import type { LearningPart, Lesson, SavedPart } from './parts.js';

// A Gaussian of one vector an image, by Ledoit and Wolf's shrinkage: the Mahalanobis distance is the score of a branch
// without a map. What the vector is (pooled features, counts of pieces), its maker says.

/** Makes one vector of each image. */
export interface VectorMaker {
  readonly width: number;
  /** @returns a row for each image; the caller keeps the tensors. */
  of(features: readonly tf.Tensor4D[], images: tf.Tensor4D): Promise<Rows>;
  /** The same as `[images, width]`, by tensor operations alone. The caller disposes it. */
  tensor(features: readonly tf.Tensor4D[], images: tf.Tensor4D): tf.Tensor2D;
  /** What a file keeps of the maker. */
  save(): SavedPart;
}

/** Keys of a saved part that are the Gaussian's; those of its maker are beside them. */
export const gaussianConfig = {
  axes: z.int().nonnegative(),
  /** Number of images of each lesson, the latest last. */
  lessons: z.array(z.int().positive()),
};

/** Of float32, as a file keeps it. */
interface Gaussian extends AxisGaussian {
  readonly mean: Float32Array;
  readonly axes: Float32Array;
  readonly variances: Float32Array;
}

/** Where there are more values than this, no more than this many images are fitted: time grows with the cube. */
const MOST_ROWS = 500;

/** A Gaussian of vectors as a branch without a map. */
export class GaussianPart implements LearningPart {
  readonly info: BranchInfo;
  /** Orthonormal, of the whitened taught images. */
  #directions: readonly Float32Array[];

  /** @param taught vectors of the images of all lessons. */
  constructor(
    readonly name: string,
    private readonly maker: VectorMaker,
    private readonly gaussian: Gaussian,
    private taught: Rows,
    private lessonSizes: readonly number[],
  ) {
    this.info = { name, map: false };
    this.#directions = directionsOf(taught, gaussian);
  }

  #teach(taught: Rows): void {
    this.taught = taught;
    this.#directions = directionsOf(taught, this.gaussian);
  }

  get lessons(): number {
    return this.lessonSizes.length;
  }

  async score(features: readonly tf.Tensor4D[], images: tf.Tensor4D): Promise<BranchOutput> {
    const rows = await this.maker.of(features, images);
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

  scoreTensors(features: readonly tf.Tensor4D[], images: tf.Tensor4D): BranchTensors {
    const { maker, gaussian } = this;
    const scores = tf.tidy(() => {
      const whitened = whitenedTensor(maker.tensor(features, images), gaussian);
      const length = (rows: tf.Tensor2D): tf.Tensor1D => tf.sqrt(tf.sum<tf.Tensor1D>(tf.square(rows), 1));
      const distance = length(whitened);
      if (this.#directions.length === 0) return distance;
      const directions = tf.stack(this.#directions.map((each) => tf.tensor1d(each))) as tf.Tensor2D;
      const along = tf.matMul<tf.Tensor2D>(whitened, tf.transpose(directions));
      return tf.minimum<tf.Tensor1D>(distance, length(tf.sub(whitened, tf.matMul(along, directions))));
    });
    return { name: this.name, map: null, scores };
  }

  beginLesson(): Lesson {
    const seen: Rows[] = [];
    return {
      add: async (features, images) => {
        seen.push(await this.maker.of(features, images));
      },
      finish: () => {
        const added = joinRows(seen);
        return Promise.resolve(() => {
          this.#teach(joinRows([this.taught, added]));
          this.lessonSizes = [...this.lessonSizes, added.count];
        });
      },
    };
  }

  forget(): void {
    this.#teach(firstRows(this.taught, this.taught.count - this.lessonSizes.at(-1)!));
    this.lessonSizes = this.lessonSizes.slice(0, -1);
  }

  save(): SavedPart {
    const { mean, axes, variances, restVariance } = this.gaussian;
    const { config, tensors: own } = this.maker.save();
    const tensors: StateDict = new Map(own);
    // All are vectors: those stay float32 in a file of float16, so that scores are the same before and after.
    tensors.set('mean', floats([mean.length], mean));
    if (axes.length > 0) tensors.set('axes', floats([axes.length], axes));
    const all = Float32Array.of(...variances, restVariance);
    tensors.set('variances', floats([all.length], all));
    const { data } = this.taught;
    if (data.length > 0) tensors.set('taught', floats([data.length], data));
    return { config: { ...config, axes: variances.length, lessons: [...this.lessonSizes] }, tensors };
  }

  dispose(): void {
    // Holds no tensors.
  }
}

/** `whitenedRows` of `@dskd/closed-form` as tensor operations in float32. Call it inside `tf.tidy`. */
function whitenedTensor(rows: tf.Tensor2D, { mean, axes, variances, restVariance }: Gaussian): tf.Tensor2D {
  const centered = tf.sub<tf.Tensor2D>(rows, tf.tensor1d(mean));
  const width = mean.length;
  const rest = variances.length < width ? 1 / Math.sqrt(restVariance) : 0;
  if (variances.length === 0) return tf.mul(centered, rest);
  const directions = tf.tensor2d(axes, [variances.length, width]);
  const along = tf.matMul<tf.Tensor2D>(centered, tf.transpose(directions));
  // Along an axis by its own deviation, beside the axes by that of the rest.
  const factors = tf.tensor1d(Float32Array.from(variances, (variance) => 1 / Math.sqrt(variance)));
  const beside = tf.sub<tf.Tensor2D>(centered, tf.matMul(along, directions));
  return tf.add(tf.matMul(tf.mul<tf.Tensor2D>(along, factors), directions), tf.mul(beside, rest));
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

/**
 * Fits a Gaussian to the vectors of the training images, at least three.
 * @param leastVariance is added to the variance of every direction. Where it is 0, vectors that are all equal are refused.
 * @throws {DskdError} `dataset-invalid`
 */
export function fitGaussian(
  name: string,
  maker: VectorMaker,
  rows: Rows,
  leastVariance = 0,
): { readonly part: GaussianPart; readonly record: JsonObject } {
  const { count, width } = rows;
  if (leastVariance === 0) assertDifferent(name, rows);
  const { mean, axes, variances, restVariance, shrinkage } = areEqual(rows)
    ? { mean: rows.data.subarray(0, width), axes: [], variances: [], restVariance: 0, shrinkage: 1 }
    : ledoitWolf(width > MOST_ROWS ? spread(rows, MOST_ROWS) : rows);
  const gaussian = {
    mean: Float32Array.from(mean),
    axes: Float32Array.from(axes),
    variances: Float32Array.from(variances, (variance) => variance + leastVariance),
    restVariance: Math.fround(restVariance + leastVariance),
  };
  const none = { data: new Float32Array(0), count: 0, width };
  const part = new GaussianPart(name, maker, gaussian, none, []);
  return { part, record: { images: count, width, shrinkage } };
}

/**
 * Restores a Gaussian.
 * @throws {DskdError} `weights-mismatch`
 */
export function restoreGaussian(
  name: string,
  maker: VectorMaker,
  { axes, lessons }: { readonly axes: number; readonly lessons: readonly number[] },
  tensors: StateDict,
): GaussianPart {
  const { width } = maker;
  const variances = floatsOf(tensors, 'variances', [axes + 1]);
  const gaussian = {
    mean: floatsOf(tensors, 'mean', [width]),
    axes: axes > 0 ? floatsOf(tensors, 'axes', [axes * width]) : new Float32Array(0),
    variances: variances.subarray(0, -1),
    restVariance: variances.at(-1)!,
  };
  const count = lessons.reduce((sum, images) => sum + images, 0);
  const data = count > 0 ? floatsOf(tensors, 'taught', [count * width]) : new Float32Array(0);
  return new GaussianPart(name, maker, gaussian, { data, count, width }, lessons);
}
