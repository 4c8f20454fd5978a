import { randomStream, throwIfAborted } from '@dskd/base';
import { cholesky } from '@dskd/closed-form';
import { checkMetadata, toFloat32, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchOutput, FitInput, JsonObject } from '../contract.js';
import { floats, roundedAs, tensorOf } from './matrices.js';
import type { Part, PartContext, PartFitter } from './parts.js';
import { PatchEmbedder, planPatches, type PatchPlan } from './patches.js';
import { levelsOf, positionOptions, type PositionOptions } from './part-options.js';

// PaDiM (Defard et al., 2020; code: xiahaifeng1995/PaDiM-Anomaly-Detection-Localization-master, anomalib): a Gaussian of
// the patch vectors at each position, with a fixed random subset of channels.

const positionConfig = z.object({ options: positionOptions, channels: z.array(z.int().nonnegative()) });
type PositionConfig = z.output<typeof positionConfig>;

interface Gaussians {
  /** `[positions, channels]` */
  readonly mean: Float32Array;
  /** `[positions, channels, channels]`: inverse Cholesky factors, lower triangular. */
  readonly whitening: Float32Array;
}

/** Patch vectors at the chosen channels. */
class ChosenChannels {
  readonly #embedder: PatchEmbedder;
  readonly #indexes: tf.Tensor1D;

  constructor(
    readonly plan: PatchPlan,
    { teacher }: PartContext,
    channels: readonly number[],
  ) {
    this.#embedder = new PatchEmbedder(plan, teacher.extractor);
    this.#indexes = tf.tensor1d([...channels], 'int32');
  }

  /** @returns `[batch, height, width, channels]`; the caller disposes it. */
  of(features: readonly tf.Tensor4D[]): tf.Tensor4D {
    return tf.tidy(() => tf.gather(this.#embedder.embed(features), this.#indexes, 3));
  }

  dispose(): void {
    this.#embedder.dispose();
    this.#indexes.dispose();
  }
}

/** A Gaussian for each position as a branch. */
export class PositionPart implements Part {
  readonly info;
  readonly #mean: tf.Tensor2D;
  /** `[positions, channels, channels]`, transposed: a row vector is multiplied from the left. */
  readonly #whitening: tf.Tensor3D;

  constructor(
    readonly name: string,
    private readonly channels: ChosenChannels,
    private readonly config: PositionConfig,
    private readonly gaussians: Gaussians,
  ) {
    this.info = { name, map: true };
    const [height, width] = channels.plan.grid;
    const size = config.channels.length;
    this.#mean = tf.tensor2d(gaussians.mean, [height * width, size]);
    this.#whitening = tf.tidy(() =>
      tf.transpose(tf.tensor3d(gaussians.whitening, [height * width, size, size]), [0, 2, 1]),
    );
  }

  score(features: readonly tf.Tensor4D[]): Promise<BranchOutput> {
    const [height, width] = this.channels.plan.grid;
    const map = tf.tidy(() => {
      const patches = this.channels.of(features);
      const [batch, , , size] = patches.shape;
      const centered = tf.sub(tf.reshape(patches, [batch, height * width, size]), this.#mean);
      const byPosition = tf.transpose<tf.Tensor3D>(centered as tf.Tensor3D, [1, 0, 2]);
      const whitened = tf.matMul<tf.Tensor3D>(byPosition, this.#whitening);
      const distances = tf.sqrt(tf.sum(tf.square(whitened), 2));
      return tf.reshape<tf.Rank.R3>(tf.transpose(distances), [batch, height, width]);
    });
    return Promise.resolve({ name: this.name, map });
  }

  save(): { config: JsonObject; tensors: StateDict } {
    const [height, width] = this.channels.plan.grid;
    const size = this.config.channels.length;
    const { mean, whitening } = this.gaussians;
    const tensors: StateDict = new Map([
      ['mean', floats([mean.length], mean)],
      ['whitening', floats([height * width, size, size], whitening)],
    ]);
    return { config: JSON.parse(JSON.stringify(this.config)) as JsonObject, tensors };
  }

  dispose(): void {
    tf.dispose([this.#mean, this.#whitening]);
    this.channels.dispose();
  }
}

/** Inverse of a lower triangular matrix, in place of `inverse`. */
function invertLower(lower: Float64Array, size: number, inverse: Float32Array, at: number): void {
  for (let column = 0; column < size; column++) {
    for (let row = column; row < size; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= lower[row * size + k]! * inverse[at + k * size + column]!;
      inverse[at + row * size + column] = sum / lower[row * size + row]!;
    }
  }
}

/** Sums of the patch vectors and of their products at each position, in float64. */
export class PositionFitter implements PartFitter {
  readonly #plan: PatchPlan;
  readonly #config: PositionConfig;
  readonly #channels: ChosenChannels;
  readonly #mean: Float64Array;
  /** Lower triangles of the sums of products of deviations, each `[size, size]`. */
  readonly #scatter: Float64Array;
  #count = 0;

  constructor(
    readonly name: string,
    options: PositionOptions,
    input: FitInput,
    private readonly context: PartContext,
  ) {
    this.#plan = positionPlan(options, context);
    const all = Int32Array.from({ length: this.#plan.width }, (_, channel) => channel);
    const drawn = randomStream(input.seed, 'channels', name).shuffle(all).slice(0, options.channels).sort();
    this.#config = { options, channels: [...drawn] };
    this.#channels = new ChosenChannels(this.#plan, context, this.#config.channels);
    const [height, width] = this.#plan.grid;
    this.#mean = new Float64Array(height * width * drawn.length);
    this.#scatter = new Float64Array(height * width * drawn.length ** 2);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    const chosen = this.#channels.of(features);
    const values = (await chosen.data()) as Float32Array;
    const [batch, height, width, size] = chosen.shape;
    chosen.dispose();
    const positions = height * width;
    const deviation = new Float64Array(size);
    for (let image = 0; image < batch; image++) {
      this.#count++;
      const count = this.#count;
      for (let position = 0; position < positions; position++) {
        const from = (image * positions + position) * size;
        const at = position * size;
        const square = position * size * size;
        // Welford: deviations from the mean before and after this image.
        for (let i = 0; i < size; i++) {
          const difference = values[from + i]! - this.#mean[at + i]!;
          deviation[i] = difference;
          this.#mean[at + i]! += difference / count;
        }
        const factor = (count - 1) / count;
        for (let i = 0; i < size; i++) {
          const scaled = deviation[i]! * factor;
          for (let j = 0; j <= i; j++) this.#scatter[square + i * size + j]! += scaled * deviation[j]!;
        }
      }
    }
  }

  async finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: PositionPart; record: JsonObject }> {
    const { options, channels } = this.#config;
    const size = channels.length;
    const positions = this.#mean.length / size;
    const whitening = new Float32Array(this.#scatter.length);
    const covariance = new Float64Array(size * size);
    for (let position = 0; position < positions; position++) {
      const square = position * size * size;
      for (let i = 0; i < size; i++) {
        for (let j = 0; j <= i; j++) {
          const value = this.#scatter[square + i * size + j]! / Math.max(1, this.#count - 1);
          covariance[i * size + j] = value;
          covariance[j * size + i] = value;
        }
        covariance[i * size + i]! += options.ridge;
      }
      invertLower(cholesky(covariance, size), size, whitening, square);
      if (position % 16 === 0) {
        progress(position / positions);
        await new Promise((resolve) => setTimeout(resolve));
        throwIfAborted(signal);
      }
    }
    const gaussians = {
      mean: Float32Array.from(this.#mean),
      whitening: roundedAs(options.storage, `${this.name}.whitening`, whitening),
    };
    const chosen = new ChosenChannels(this.#plan, this.context, channels);
    const part = new PositionPart(this.name, chosen, this.#config, gaussians);
    return { part, record: { images: this.#count, positions, channels: size } };
  }

  dispose(): void {
    this.#channels.dispose();
  }
}

function positionPlan(options: PositionOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const levels = levelsOf(options.levels, teacher.extractor, 'deepest-two');
  return planPatches(teacher.extractor, inputSize, {
    levels,
    gridLevel: options.gridLevel ?? Math.min(...levels),
  });
}

/**
 * Restores Gaussians of positions.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`
 */
export function restorePositions(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): PositionPart {
  const checked = checkMetadata(positionConfig, config, 'detector');
  const plan = positionPlan(checked.options, context);
  const positions = plan.grid[0] * plan.grid[1];
  const size = checked.channels.length;
  const mean = toFloat32(tensorOf(tensors, 'mean', [positions * size]));
  const whitening = toFloat32(tensorOf(tensors, 'whitening', [positions, size, size]));
  const channels = new ChosenChannels(plan, context, checked.channels);
  return new PositionPart(name, channels, checked, { mean, whitening });
}
