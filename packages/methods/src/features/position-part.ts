import { DskdError, randomStream, throwIfAborted } from '@dskd/base';
import { whitening } from '@dskd/closed-form';
import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { BranchInfo, BranchOutput, FitInput, JsonObject } from '../contract.js';
import { asJson } from '../json.js';
import { floats, floatsOf, roundedAs } from './matrices.js';
import { positionOptions, type PositionOptions } from './part-options.js';
import { download, type Part, type PartContext, type PartFitter, type SavedPart } from './parts.js';
import { positionPlan } from './patch-plans.js';
import { PatchEmbedder, type PatchPlan } from './patches.js';

// PaDiM (Defard et al., 2020; code: xiahaifeng1995/PaDiM-Anomaly-Detection-Localization-master, anomalib): a Gaussian of
// the patch vectors at each position, with a fixed random subset of channels. The patches are those of the embedding
// `concat`; the paper's have no 3x3 mean, and take the nearest position of deeper levels.

const positionConfig = z.object({
  options: positionOptions,
  /** Indexes of the channels that are kept, out of those of all levels. */
  channels: z.array(z.int().nonnegative()).min(1),
});
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
  readonly info: BranchInfo;
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
    return Promise.resolve(this.scoreTensors(features));
  }

  scoreTensors(features: readonly tf.Tensor4D[]): { readonly name: string; readonly map: tf.Tensor3D } {
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
    return { name: this.name, map };
  }

  save(): SavedPart {
    const [height, width] = this.channels.plan.grid;
    const size = this.config.channels.length;
    const { mean, whitening } = this.gaussians;
    const tensors: StateDict = new Map([
      ['mean', floats([mean.length], mean)],
      ['whitening', floats([height * width, size, size], whitening)],
    ]);
    return { config: asJson(this.config), tensors };
  }

  dispose(): void {
    tf.dispose([this.#mean, this.#whitening]);
    this.channels.dispose();
  }
}

/** Mean and scatter of the patch vectors at each position, in float64. */
export class PositionFitter implements PartFitter {
  readonly #plan: PatchPlan;
  readonly #config: PositionConfig;
  readonly #channels: ChosenChannels;
  readonly #mean: Float64Array;
  /** Sums of products of deviations, each `[size, size]`, of which the lower triangle is used. */
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
    const [height, width] = this.#plan.grid;
    this.#mean = new Float64Array(height * width * drawn.length);
    this.#scatter = new Float64Array(height * width * drawn.length ** 2);
    this.#channels = new ChosenChannels(this.#plan, context, this.#config.channels);
  }

  async add(features: readonly tf.Tensor4D[]): Promise<void> {
    const chosen = this.#channels.of(features);
    const [batch, height, width, size] = chosen.shape;
    const values = await download(chosen);
    const positions = height * width;
    const deviation = new Float64Array(size);
    for (let image = 0; image < batch; image++) {
      this.#count++;
      const count = this.#count;
      for (let position = 0; position < positions; position++) {
        const from = (image * positions + position) * size;
        const at = position * size;
        const square = position * size * size;
        // Welford (1962): the deviation from the mean of the images before, weighted.
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
    const factors = new Float32Array(this.#scatter.length);
    for (let position = 0; position < positions; position++) {
      const start = position * size * size;
      const covariance = this.#scatter.slice(start, start + size * size);
      for (let i = 0; i < covariance.length; i++) covariance[i]! /= Math.max(1, this.#count - 1);
      for (let i = 0; i < size; i++) covariance[i * (size + 1)]! += options.ridge;
      factors.set(whitening(covariance, size), start);
      if (position % 16 === 0) {
        progress(position / positions);
        await new Promise((resolve) => setTimeout(resolve));
        throwIfAborted(signal);
      }
    }
    progress(1);
    const gaussians = {
      mean: Float32Array.from(this.#mean),
      whitening: roundedAs(options.storage, `${this.name}.whitening`, factors),
    };
    const chosen = new ChosenChannels(this.#plan, this.context, channels);
    const part = new PositionPart(this.name, chosen, this.#config, gaussians);
    return { part, record: { images: this.#count, positions, channels: size } };
  }

  dispose(): void {
    this.#channels.dispose();
  }
}

/**
 * Restores Gaussians of positions.
 * @throws {DskdError} `artifact-invalid` for a config that is none, or channels that the levels do not have;
 * `weights-mismatch`; `invalid-config` for levels that the teacher does not have.
 */
export function restorePositions(
  name: string,
  config: unknown,
  tensors: StateDict,
  context: PartContext,
): PositionPart {
  const checked = tensorFiles.checkMetadata(positionConfig, config, 'detector');
  const plan = positionPlan(checked.options, context);
  const wrong = checked.channels.find((channel) => channel >= plan.width);
  if (wrong !== undefined) {
    throw new DskdError(
      'artifact-invalid',
      `Got channel ${wrong} of the Gaussians ${name}; wanted channels below ${plan.width}.`,
      { details: { channel: wrong, width: plan.width } },
    );
  }
  const positions = plan.grid[0] * plan.grid[1];
  const size = checked.channels.length;
  const gaussians = {
    mean: floatsOf(tensors, 'mean', [positions * size]),
    whitening: floatsOf(tensors, 'whitening', [positions, size, size]),
  };
  const channels = new ChosenChannels(plan, context, checked.channels);
  return new PositionPart(name, channels, checked, gaussians);
}
