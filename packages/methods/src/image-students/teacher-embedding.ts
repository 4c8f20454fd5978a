import { DskdError } from '@dskd/base';
import type { FeatureExtractor, FeatureLevel, InputTransform } from '@dskd/core';
import type { ImageSet } from '@dskd/training';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';
import { floats, floatsOf } from '../features/matrices.js';
import { PatchEmbedder, type PatchPlan } from '../features/patches.js';
import { ChannelMoments, eachImageBatch } from './statistics.js';

/** Input pixels per position of an embedding. */
const STRIDE = 4;

/** A channel that hardly varies is divided by at least this part of what the others are, in the square mean, divided by. */
const LEAST_DEVIATION = 1e-3;

/** Names of the tensors of an embedding: means and deviations. */
export const TENSOR_NAMES: readonly string[] = ['embedding.mean', 'embedding.deviation'];

/** Mean and standard deviation of each channel over the training images. */
interface ChannelStatistics {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/** How the levels of a teacher become one target. Follows from the teacher, the input size and the channels alone. */
export interface EmbeddingPlan {
  /** `[height, width]` in positions, 4 pixels apart. */
  readonly grid: Size;
  readonly channels: number;
  /** Null: the teacher has one level of so many channels, which is the target as it is. */
  readonly patches: PatchPlan | null;
}

/**
 * The plan of an embedding: of all levels of a teacher, on a grid of one position for each 4 pixels, rounded up. A patch
 * network such as `pdn-small` is taken as it is, on its own grid.
 * @param channels of the target. Default: those of a teacher with one level, 384 (EfficientAD's) of another.
 */
export function planEmbedding(
  teacher: FeatureExtractor,
  inputSize: Size,
  channels: number = teacher.levels.length === 1 ? teacher.levels[0]!.channels : 384,
): EmbeddingPlan {
  const shapes = teacher.outputShapes([inputSize[0], inputSize[1]]);
  const [shape] = shapes as [[number, number, number]];
  const isTarget = shapes.length === 1 && teacher.levels[0]!.stride === STRIDE && shape[2] === channels;
  const grid: Size = isTarget
    ? [shape[0], shape[1]]
    : [Math.ceil(inputSize[0] / STRIDE), Math.ceil(inputSize[1] / STRIDE)];
  const levels = teacher.levels.map((_, index) => index);
  return {
    grid,
    channels,
    patches: isTarget ? null : { levels, grid, embedding: 'official', gridFirst: false, width: channels },
  };
}

/**
 * A frozen teacher whose levels are one level, the target of students of images: PatchCore's official embedding of all levels
 * (patches of 3x3 positions, brought to the grid bilinearly, averaged to so many channels), as EfficientAD makes its teacher's
 * targets (nelson1425/EfficientAD; Batzner et al., WACV 2024, Appendix A.2), standardized by channel over the training
 * images. The teacher stays its owner's: `dispose` frees the filters only.
 */
export class TeacherEmbedding implements FeatureExtractor {
  readonly name: string;
  readonly levels: readonly FeatureLevel[];
  readonly inputTransform: InputTransform;
  readonly #embedder: PatchEmbedder | null;
  readonly #mean: tf.Tensor1D;
  readonly #factor: tf.Tensor1D;

  /** @throws {DskdError} `weights-mismatch` for statistics of other channels. */
  constructor(
    private readonly teacher: FeatureExtractor,
    readonly plan: EmbeddingPlan,
    readonly statistics: ChannelStatistics,
  ) {
    const { channels, patches } = plan;
    const { mean, deviation } = statistics;
    if (mean.length !== channels || deviation.length !== channels) {
      throw new DskdError(
        'weights-mismatch',
        `Got ${mean.length} means and ${deviation.length} deviations of the teacher's channels; wanted ${channels}.`,
        { details: { means: mean.length, deviations: deviation.length, channels } },
      );
    }
    this.name = `embedding of ${teacher.name}`;
    this.levels = [{ name: 'embedding', channels, stride: STRIDE }];
    this.inputTransform = teacher.inputTransform;
    this.#embedder = patches && new PatchEmbedder(patches, teacher);
    this.#mean = tf.tensor1d(mean);
    this.#factor = tf.tensor1d(deviation.map((value) => 1 / value));
  }

  /**
   * Measures the channels over the training images, as they are in epoch 0, in float64.
   * @returns the embedding; the caller disposes it, and the teacher not before.
   * @throws {DskdError} `aborted`; `numerical-instability` for features that are not finite.
   */
  static async measure(
    teacher: FeatureExtractor,
    plan: EmbeddingPlan,
    { images, signal }: { readonly images: ImageSet; readonly signal?: AbortSignal | undefined },
  ): Promise<TeacherEmbedding> {
    const { channels } = plan;
    const mean = new Float32Array(channels);
    const plain = new TeacherEmbedding(teacher, plan, { mean, deviation: mean.map(() => 1) });
    const moments = new ChannelMoments(channels);
    try {
      await eachImageBatch(images, signal, async (batch) => {
        const [embedding] = await plain.extract(batch);
        const values = await embedding!.data<'float32'>().finally(() => embedding!.dispose());
        moments.add(values);
      });
    } finally {
      plain.dispose();
    }
    return new TeacherEmbedding(teacher, plan, statisticsOf(moments, teacher));
  }

  /**
   * The embedding of a saved model. The caller disposes it, and the teacher not before.
   * @param tensors of the file: {@link tensors}, and others.
   * @throws {DskdError} `weights-mismatch` where statistics are missing, or of other channels.
   */
  static restore(teacher: FeatureExtractor, plan: EmbeddingPlan, tensors: StateDict): TeacherEmbedding {
    const [mean, deviation] = TENSOR_NAMES.map((name) => floatsOf(tensors, name, [plan.channels]));
    return new TeacherEmbedding(teacher, plan, { mean: mean!, deviation: deviation! });
  }

  /** What a file keeps of it. Vectors stay float32 in a file of float16. */
  tensors(): StateDict {
    const { mean, deviation } = this.statistics;
    return new Map(
      [mean, deviation].map((data, index) => [TENSOR_NAMES[index]!, floats([data.length], data)]),
    );
  }

  outputShapes(inputSize: Size): [number, number, number][] {
    const { grid, channels } = planEmbedding(this.teacher, inputSize, this.plan.channels);
    return [[grid[0], grid[1], channels]];
  }

  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    const features = await this.teacher.extract(images);
    try {
      return tf.tidy(() => {
        const target = this.#embedder?.embed(features) ?? features[0]!;
        return [tf.mul<tf.Tensor4D>(tf.sub(target, this.#mean), this.#factor)];
      });
    } finally {
      tf.dispose(features);
    }
  }

  dispose(): void {
    this.#embedder?.dispose();
    tf.dispose([this.#mean, this.#factor]);
  }
}

function statisticsOf({ means, deviations }: ChannelMoments, teacher: FeatureExtractor): ChannelStatistics {
  const typical = Math.sqrt(deviations.reduce((sum, value) => sum + value ** 2, 0) / deviations.length);
  if (!Number.isFinite(typical)) {
    throw new DskdError(
      'numerical-instability',
      `The features of the teacher ${teacher.name} are not finite for the training images.`,
      { hint: "Check the teacher's weights and the images' range (0..1)." },
    );
  }
  // Features that never vary become 0, whatever they are divided by.
  const least = typical === 0 ? 1 : LEAST_DEVIATION * typical;
  return {
    mean: Float32Array.from(means),
    deviation: Float32Array.from(deviations, (value) => Math.max(value, least)),
  };
}
