import { sumAll } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { differentiableSum } from './custom-gradient.js';
import { pairLevels, type Features } from './levels.js';
import { normalized, throughNormalization, type NormalizedRows } from './normalized.js';
import { imageAt } from './rows.js';

/** What an image's positions differ by between teacher and student. */
export interface ImageAffinity {
  /** At each position, at least 0, `[positions, 1]`. */
  readonly divergence: Tensor2D;
  /** Of `rowWeight` times each row's divergence with respect to that row's unit student vector, `[positions, channels]`. */
  readonly gradient?: Tensor2D;
}

/**
 * A divergence that compares each position with all others of its image, from unit vectors
 * `[positions, channels]`.
 * @param rowWeight of each row's divergence in the loss; without one no gradient is computed.
 */
export type AffinityOfImage = (teacher: Tensor2D, student: Tensor2D, rowWeight?: number) => ImageAffinity;

function normalizedImage(features: Tensor4D, image: number): NormalizedRows {
  return tf.tidy(() => normalized(imageAt(features, image)));
}

/** The mean over positions and batch of `affinity`, summed over levels; the student alone receives its gradient. */
export function lossByImage(teacher: Features, student: Features, affinity: AffinityOfImage): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width] = level.student.shape;
    const positions = batch * height * width;
    const divergences: Tensor2D[] = [];
    const gradients: Tensor2D[] = [];
    for (let image = 0; image < batch; image++) {
      const [divergence, gradient] = tf.tidy(() => {
        const t = normalizedImage(level.teacher, image).unit;
        const s = normalizedImage(level.student, image);
        const { divergence, gradient } = affinity(t, s.unit, 1 / positions);
        return [divergence, throughNormalization(gradient!, s)] as [Tensor2D, Tensor2D];
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
export function mapByImage(teacher: Tensor4D, student: Tensor4D, affinity: AffinityOfImage): Tensor3D {
  pairLevels(teacher, student);
  const [batch, height, width] = student.shape;
  return tf.tidy(() => {
    const images = Array.from({ length: batch }, (_, image) =>
      tf.tidy(() => {
        const t = normalizedImage(teacher, image).unit;
        const s = normalizedImage(student, image).unit;
        return affinity(t, s).divergence;
      }),
    );
    return tf.reshape(tf.concat(images), [batch, height, width]);
  });
}
