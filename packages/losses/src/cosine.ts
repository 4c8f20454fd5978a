import { accurateSum } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { differentiableSum, pairLevels, type Features, type LevelLoss, type LevelPair } from './levels.js';
import { normalized, rowSums, throughNormalization } from './rows.js';

// Local student (feature reconstruction), level l, positions i = 1 .. h_l w_l, teacher t, student s:
//   M_i^l = 1 - t_i . s_i / (|t_i| |s_i|)                 Eq. 1: cosineDistanceMap
//   L     = sum over l of 1 / (h_l w_l) sum_i M_i^l       Eq. 2: perPixelCosineLoss

/** `1 - cos` of rows as half the squared distance of unit vectors: accurate near 0, never negative. */
function distanceOfUnits(teacherUnit: Tensor2D, studentUnit: Tensor2D): Tensor2D {
  return tf.mul(rowSums(tf.squaredDifference(teacherUnit, studentUnit)), 0.5);
}

/** The mean distance of corresponding rows after a reshape to `[rows, length]`. */
function meanRowDistance({ teacher, student }: LevelPair, shape: [number, number]): LevelLoss {
  const [rows] = shape;
  const t = normalized(tf.reshape(teacher, shape)).unit;
  const s = normalized(tf.reshape(student, shape));
  const share = tf.mul<Tensor2D>(tf.sub(s.unit, t), 1 / rows);
  return {
    value: tf.mul<Scalar>(accurateSum(distanceOfUnits(t, s.unit)), 1 / rows),
    gradient: tf.reshape(throughNormalization(share, s), student.shape),
  };
}

/**
 * Mean over positions and batch of `1 - cos(teacher, student)` over channels, summed over levels
 * (Eq. 2 of the paper). Range 0..2 per level.
 *
 * The gradient reaches the student only; the teacher's is zero. There is no second derivative.
 * Computed as half the squared distance of the unit vectors: the distance of a zero vector is 1/2 to any other
 * vector and 0 to another zero vector, and its gradient is zero.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student same shapes as `teacher`.
 * @returns a scalar. The caller disposes it.
 * @throws {DskdError} `shape-mismatch`
 */
export function perPixelCosineLoss(teacher: Features, student: Features): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width, channels] = level.student.shape;
    return meanRowDistance(level, [batch * height * width, channels]);
  });
}

/**
 * Mean over the batch of `1 - cos(teacher, student)`, summed over levels. Each level of an image is one vector of
 * height x width x channels entries, as in the code of RD4AD ("global cosine"). Range 0..2 per level. Gradient, zero
 * vectors, parameters, result and errors as for {@link perPixelCosineLoss}.
 */
export function flattenedCosineLoss(teacher: Features, student: Features): Scalar {
  return differentiableSum(teacher, student, (level) => {
    const [batch, height, width, channels] = level.student.shape;
    return meanRowDistance(level, [batch, height * width * channels]);
  });
}

/**
 * `1 - cos(teacher, student)` over channels at each position of one level (Eq. 1 of the paper). Range 0..2. Not
 * differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student same shape as `teacher`.
 * @returns `[batch, height, width]`. The caller disposes it.
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
