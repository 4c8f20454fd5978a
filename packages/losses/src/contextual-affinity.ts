import { DskdError } from '@dskd/base';
import { sumAll } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { affinityOfPicture } from './affinity-picture.js';
import { differentiableSum } from './custom-gradient.js';
import { pairLevels, type Features } from './levels.js';
import { normalised, throughNormalisation, type NormalisedRows } from './normalised.js';
import { pictureAt } from './rows.js';

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
        hint: 'The paper uses 1; below 0.01 a position is compared with its nearest ones only.',
        details: { temperature },
      },
    );
  }
  return temperature;
}

function normalisedPicture(features: Tensor4D, picture: number): NormalisedRows {
  return tf.tidy(() => normalised(pictureAt(features, picture)));
}

/**
 * Contextual affinity distillation (DSKD equations 3 to 6): at each position i the divergence
 * T^2 KL(p_i || q_i) of the teacher's and the student's softmax similarities to the teacher's vectors at all
 * positions of the picture, mean over positions and batch, summed over levels. Never negative.
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
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width] = level.student.shape;
    const positions = batch * height * width;
    const divergences: Tensor2D[] = [];
    const gradients: Tensor2D[] = [];
    for (let picture = 0; picture < batch; picture++) {
      const [divergence, gradient] = tf.tidy(() => {
        const t = normalisedPicture(level.teacher, picture).unit;
        const s = normalisedPicture(level.student, picture);
        const { divergence, gradient } = affinityOfPicture(t, s.unit, temperature, 1 / positions);
        return [divergence, throughNormalisation(gradient!, s)] as [Tensor2D, Tensor2D];
      });
      divergences.push(divergence);
      gradients.push(gradient);
    }
    return {
      value: tf.mul<Scalar>(sumAll(tf.concat(divergences)), 1 / positions),
      gradient: tf.reshape(tf.concat(gradients), level.student.shape),
    };
  });
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
  pairLevels(teacher, student);
  const [batch, height, width] = student.shape;
  return tf.tidy(() => {
    const pictures = Array.from({ length: batch }, (_, picture) =>
      tf.tidy(() => {
        const t = normalisedPicture(teacher, picture).unit;
        const s = normalisedPicture(student, picture).unit;
        return affinityOfPicture(t, s, temperature).divergence;
      }),
    );
    return tf.reshape(tf.concat(pictures), [batch, height, width]);
  });
}
