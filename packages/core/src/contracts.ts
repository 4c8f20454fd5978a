import type { Scalar, Tensor3D, Tensor4D, Variable } from '@tensorflow/tfjs-core';

/** One level of a feature pyramid. Lists of levels are from shallow to deep. */
export interface FeatureLevel {
  readonly name: string;
  readonly channels: number;
  /** Input pixels per feature position, the same in both directions. */
  readonly stride: number;
}

/**
 * Converts images (RGB, 0..1) to what the weights of a network expect: `(image[channelOrder] * scale - mean) /
 * standardDeviation` for each channel. `mean` and `standardDeviation` are in the order of `channelOrder`.
 */
export interface InputTransform {
  readonly channelOrder: 'rgb' | 'bgr';
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly standardDeviation: readonly [number, number, number];
}

/** A frozen network that computes features of images at several levels. */
export interface FeatureExtractor {
  readonly name: string;
  readonly levels: readonly FeatureLevel[];
  readonly inputTransform: InputTransform;
  /** `[height, width, channels]` of each level for an input of `[height, width]`. */
  outputShapes(inputSize: readonly [number, number]): [number, number, number][];
  /**
   * @param images float32 `[batch, height, width, 3]`, RGB, 0..1. The extractor applies its own transform.
   * @returns one tensor per level, `[batch, height_l, width_l, channels_l]`. The caller disposes them.
   */
  extract(images: Tensor4D): Promise<Tensor4D[]>;
  dispose(): void;
}

/**
 * A trainable network that predicts the teacher's features from the teacher's features. A network that reads images is one
 * where the first level is the image.
 */
export interface Student {
  /** Index of the first level that it predicts: those before it are its input only. Default 0. */
  readonly firstTarget?: number;
  /**
   * @param features the teacher's, one tensor per level.
   * @param options.training batch norm uses the batch and updates its running statistics:
   * `running = (1 - batchNormMomentum) * running + batchNormMomentum * batch`.
   * @param options.batchNormMomentum as torch defines it, default 0.1. `1 / (number of batches so far + 1)` gives a
   * cumulative average over batches; 0 does not change the statistics.
   * @param options.position epoch and step of a training step, from 0, for a student whose forward pass depends on it: by
   * random numbers of a step, or by parts that fade. Without it the pass is that of a finished training. `group`: the
   * parameters that the step updates now, where they are in groups; the result is what the objective of that group needs.
   * @returns predictions with the shapes of `features` from `firstTarget` on, and then what else its objective needs. Call it inside `tf.tidy`, or dispose the result.
   */
  forward(
    features: readonly Tensor4D[],
    options: {
      readonly training: boolean;
      readonly batchNormMomentum?: number;
      readonly position?: { readonly epoch: number; readonly step: number; readonly group?: string };
    },
  ): Tensor4D[];
  /** Trainable, by torch-style name, in a fixed order. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Not trainable: `running_mean`, `running_var`. By torch-style name, in a fixed order. */
  readonly buffers: ReadonlyMap<string, Variable>;
  dispose(): void;
}

/**
 * A loss for training a student, and the anomaly map that belongs to it: its distance from the teacher at each
 * position.
 */
export interface Objective {
  readonly name: string;
  /** JSON-serializable: `createObjective({ name, options })` makes the same objective again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Sum over levels of the mean over positions and batch. Differentiable with respect to `student`. */
  loss(teacher: readonly Tensor4D[], student: readonly Tensor4D[]): Scalar;
  /** One anomaly map per level, `[batch, height_l, width_l]`. The caller disposes them. */
  map(teacher: readonly Tensor4D[], student: readonly Tensor4D[]): Tensor3D[];
}
