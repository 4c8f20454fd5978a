import { sumAll } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { differentiableSum, type LevelLoss } from './custom-gradient.js';
import { pairLevels, type Features, type LevelPair } from './levels.js';
import { normalized, throughNormalization } from './normalized.js';
import { rowSums } from './row-sums.js';

/** `1 - cos` of rows, as half the squared distance of unit vectors: exact near 0, never negative. */
function distanceOfUnits(teacherUnit: Tensor2D, studentUnit: Tensor2D): Tensor2D {
  return tf.mul(rowSums(tf.squaredDifference(teacherUnit, studentUnit)), 0.5);
}
/** The mean distance of corresponding rows of `[rows, length]`. */
function meanRowDistance({ teacher, student }: LevelPair, shape: [number, number]): LevelLoss {
  const [rows] = shape;
  const t = normalized(tf.reshape(teacher, shape)).unit;
  const s = normalized(tf.reshape(student, shape));
  const share = tf.mul<Tensor2D>(tf.sub(s.unit, t), 1 / rows);
  return {
    value: tf.mul<Scalar>(sumAll(distanceOfUnits(t, s.unit)), 1 / rows),
    gradient: tf.reshape(throughNormalization(share, s), student.shape),
  };
}

/**
 * Mean over positions and batch of `1 - cos(teacher, student)` over channels, summed over levels
 * (DSKD equations 1 and 2). Range 0..2 per level.
 *
 * The gradient reaches the student only; the teacher's is zero. There is no second derivative.
 * Half the squared distance of the unit vectors is what is computed, so a vector of zeros is 1/2 away from
 * any other and 0 from another of zeros; it receives no gradient.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student of the same shapes.
 * @throws {DskdError} `shape-mismatch`
 */
export function perPixelCosineLoss(teacher: Features, student: Features): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width, channels] = level.student.shape;
    return meanRowDistance(level, [batch * height * width, channels]);
  });
}

/**
 * Mean over the batch of `1 - cos(teacher, student)`, where each image's level is one vector of
 * height x width x channels entries, summed over levels: the form of RD4AD's code ("global cosine").
 * Range 0..2 per level. Gradient, zero vectors, parameters and errors as for {@link perPixelCosineLoss}.
 */
export function flattenedCosineLoss(teacher: Features, student: Features): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width, channels] = level.student.shape;
    return meanRowDistance(level, [batch, height * width * channels]);
  });
}

/**
 * `1 - cos(teacher, student)` over channels at each position of one level. Range 0..2. Not differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student of the same shape.
 * @returns `[batch, height, width]`; the caller disposes it.
 * @throws {DskdError} `shape-mismatch`
 */
export function cosineDistanceMap(teacher: tf.Tensor4D, student: tf.Tensor4D): Tensor3D {
  pairLevels(teacher, student);
  const [batch, height, width, channels] = student.shape;
  const shape: [number, number] = [batch * height * width, channels];
  return tf.tidy(() =>
    tf.reshape(
      distanceOfUnits(
        normalized(tf.reshape(teacher, shape)).unit,
        normalized(tf.reshape(student, shape)).unit,
      ),
      [batch, height, width],
    ),
  );
}
