import { DskdError } from '@dskd/base';
import type { Scalar, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { affinityOfImage } from './affinity-image.js';
import { lossByImage, mapByImage } from './by-image.js';
import type { Features } from './levels.js';

export interface ContextualAffinityOptions {
  /** Softness of the distribution of similarities, default 1, at least 1e-20. */
  readonly temperature?: number;
}

/** The loss is of the order of T at small T; it and the gradient must stay float32s. */
const SMALLEST_TEMPERATURE = 1e-20;

/** @throws {DskdError} `invalid-argument` unless `temperature` is a finite number of at least 1e-20. */
export function checkTemperature(temperature: number): number {
  if (!(temperature >= SMALLEST_TEMPERATURE && Number.isFinite(temperature))) {
    throw new DskdError(
      'invalid-argument',
      `Got temperature ${temperature}; wanted a finite number of at least ${SMALLEST_TEMPERATURE}.`,
      {
        hint:
          'The paper uses 1; below 0.01 a position is compared with its nearest ones only; ' +
          'covarianceAffinity is the limit of high temperatures.',
        details: { temperature },
      },
    );
  }
  return temperature;
}

/**
 * Contextual affinity distillation (DSKD equations 3 to 6): at each position i the divergence
 * T^2 KL(p_i || q_i) of the teacher's and the student's softmax similarities to the teacher's vectors at all
 * positions of the image, mean over positions and batch, summed over levels. Never negative.
 *
 * Rows are handled in blocks: memory is that of a few maps, never positions x positions. The gradient
 * reaches the student only; the teacher's is zero. There is no second derivative. A vector of zeros has
 * similarity 0 to every other and receives no gradient.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student of the same shapes.
 * @throws {DskdError} `shape-mismatch`, or `invalid-argument` for a temperature below 1e-20.
 */
export function contextualAffinityLoss(
  teacher: Features,
  student: Features,
  { temperature = 1 }: ContextualAffinityOptions = {},
): Scalar {
  checkTemperature(temperature);
  return lossByImage(teacher, student, (t, s, rowWeight) => affinityOfImage(t, s, temperature, rowWeight));
}

/**
 * T^2 KL of the teacher's and the student's contextual affinity at each position of one level, as in
 * {@link contextualAffinityLoss}. Never negative. Not differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student of the same shape.
 * @returns `[batch, height, width]`; the caller disposes it.
 * @throws {DskdError} `shape-mismatch`, or `invalid-argument` for a temperature below 1e-20.
 */
export function contextualAffinityMap(
  teacher: Tensor4D,
  student: Tensor4D,
  { temperature = 1 }: ContextualAffinityOptions = {},
): Tensor3D {
  checkTemperature(temperature);
  return mapByImage(teacher, student, (t, s) => affinityOfImage(t, s, temperature));
}
