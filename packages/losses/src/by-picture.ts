import { sumAll } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { differentiableSum } from './custom-gradient.js';
import { pairLevels, type Features } from './levels.js';
import { normalised, throughNormalisation, type NormalisedRows } from './normalised.js';
import { pictureAt } from './rows.js';

/** What a picture's positions differ by between teacher and student. */
export interface PictureAffinity {
  /** At each position, at least 0, `[positions, 1]`. */
  readonly divergence: Tensor2D;
  /** Of `rowWeight` times each row's divergence with respect to that row's unit student vector, `[positions, channels]`. */
  readonly gradient?: Tensor2D;
}

/**
 * A divergence that compares each position with all others of its picture, from unit vectors
 * `[positions, channels]`.
 * @param rowWeight of each row's divergence in the loss; without one no gradient is computed.
 */
export type AffinityOfPicture = (teacher: Tensor2D, student: Tensor2D, rowWeight?: number) => PictureAffinity;

function normalisedPicture(features: Tensor4D, picture: number): NormalisedRows {
  return tf.tidy(() => normalised(pictureAt(features, picture)));
}

/** The mean over positions and batch of `affinity`, summed over levels; the student alone receives its gradient. */
export function lossByPicture(teacher: Features, student: Features, affinity: AffinityOfPicture): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width] = level.student.shape;
    const positions = batch * height * width;
    const divergences: Tensor2D[] = [];
    const gradients: Tensor2D[] = [];
    for (let picture = 0; picture < batch; picture++) {
      const [divergence, gradient] = tf.tidy(() => {
        const t = normalisedPicture(level.teacher, picture).unit;
        const s = normalisedPicture(level.student, picture);
        const { divergence, gradient } = affinity(t, s.unit, 1 / positions);
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

/** `affinity` at each position of one level, `[batch, height, width]`; the caller disposes it. */
export function mapByPicture(teacher: Tensor4D, student: Tensor4D, affinity: AffinityOfPicture): Tensor3D {
  pairLevels(teacher, student);
  const [batch, height, width] = student.shape;
  return tf.tidy(() => {
    const pictures = Array.from({ length: batch }, (_, picture) =>
      tf.tidy(() => {
        const t = normalisedPicture(teacher, picture).unit;
        const s = normalisedPicture(student, picture).unit;
        return affinity(t, s).divergence;
      }),
    );
    return tf.reshape(tf.concat(pictures), [batch, height, width]);
  });
}
