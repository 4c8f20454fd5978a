import { accurateSum } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { lossByImage, mapByImage, type Features, type ImageAffinity } from './levels.js';
import { rowSums, stagedProduct, throughNormalization, type NormalizedRows } from './rows.js';

// The limit of Eq. 6 for T -> infinity, with unit vectors t, s and S the covariance of the t_j of an image:
//   A_i = var_j((s_i - t_i) . t_j) / 2 = (s_i - t_i)^T S (s_i - t_i) / 2      covarianceAffinityMap
//   L   = sum over l of 1 / (h_l w_l) sum_i A_i                              covarianceAffinityLoss

/** Backends sum in sequence in float32: longer sums are computed in stages. */
const LONGEST_SUM = 4096;

/** `rows S`, S = `centered^T centered / positions`. The cheaper order of the two products is used. */
function timesCovariance(rows: Tensor2D, centered: Tensor2D): Tensor2D {
  const [positions, channels] = centered.shape;
  return tf.tidy(() => {
    // matMul's transposeA is thirty times slower on wasm.
    const transposed = tf.mul<Tensor2D>(tf.transpose(centered), 1 / positions);
    if (positions < channels) return tf.matMul<Tensor2D>(tf.matMul<Tensor2D>(rows, transposed), centered);
    const covariance =
      positions > LONGEST_SUM
        ? stagedProduct(transposed, centered)
        : tf.matMul<Tensor2D>(transposed, centered);
    return tf.matMul<Tensor2D>(rows, covariance);
  });
}

/** d^T S d / 2 of each row with d = s - t and S the covariance of the teacher's rows; its gradient is S d. */
function affinityOfImage(teacher: Tensor2D, student: NormalizedRows, rowWeight?: number): ImageAffinity {
  return tf.tidy(() => {
    const difference = tf.sub<Tensor2D>(student.unit, teacher);
    const mean = tf.div<Tensor>(accurateSum(teacher, 0), teacher.shape[0]);
    const product = timesCovariance(difference, tf.sub<Tensor2D>(teacher, mean));
    const divergence = tf.relu<Tensor2D>(tf.mul(rowSums(tf.mul(difference, product)), 0.5));
    return rowWeight === undefined
      ? { divergence }
      : { divergence, gradient: throughNormalization(tf.mul(product, rowWeight), student) };
  });
}

/**
 * The limit of the contextual affinity loss for high temperatures: `var_j((s_i - t_i).t_j) / 2` with the unit vectors
 * s, t and the variance over all positions j of the image; mean over positions and batch, summed over levels. Never
 * negative.
 *
 * It is the limit of T^2 KL (Eq. 6 of the paper) for T -> infinity. The paper's T = 1 is close to it, since similarities
 * differ by less than 1. The variance is a quadratic form with the covariance of the image's teacher vectors. With more
 * positions than channels the cost is positions x channels^2 instead of positions^2 x channels.
 *
 * The gradient reaches the student only; the teacher's is zero. There is no second derivative. The gradient of a zero
 * vector of the student is zero.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student same shapes as `teacher`.
 * @returns a scalar. The caller disposes it.
 * @throws {DskdError} `shape-mismatch`
 */
export function covarianceAffinityLoss(teacher: Features, student: Features): Scalar {
  return lossByImage(teacher, student, affinityOfImage);
}

/**
 * `var_j((s_i - t_i).t_j) / 2` at each position i of one level, as in {@link covarianceAffinityLoss}. Never negative.
 * Not differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student same shape as `teacher`.
 * @returns `[batch, height, width]`. The caller disposes it.
 * @throws {DskdError} `shape-mismatch`
 */
export function covarianceAffinityMap(teacher: Tensor4D, student: Tensor4D): Tensor3D {
  return mapByImage(teacher, student, affinityOfImage);
}
