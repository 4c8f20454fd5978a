import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { lossByImage, mapByImage, type ImageAffinity } from './by-image.js';
import type { Features } from './levels.js';
import { rowSums } from './row-sums.js';
import { stagedProduct } from './staged-product.js';

/** Backends add one float32 after the other: longer sums are made in stages. */
const LONGEST_SUM = 4096;

/** `rows S`, S = `centered^T centered / positions`, whichever product is smaller first. */
function timesCovariance(rows: Tensor2D, centered: Tensor2D): Tensor2D {
  const [positions, channels] = centered.shape;
  return tf.tidy(() => {
    // Transposed by hand: matMul's transposeA is thirty times slower on wasm.
    const transposed = tf.mul<Tensor2D>(tf.transpose(centered), 1 / positions);
    if (positions < channels) return tf.matMul<Tensor2D>(tf.matMul<Tensor2D>(rows, transposed), centered);
    const covariance =
      positions > LONGEST_SUM
        ? stagedProduct(transposed, centered)
        : tf.matMul<Tensor2D>(transposed, centered);
    return tf.matMul<Tensor2D>(rows, covariance);
  });
}

/** d^T S d / 2 of each row, d = s - t, S the covariance of the teacher's rows; its gradient is S d. */
function affinityOfImage(teacher: Tensor2D, student: Tensor2D, rowWeight?: number): ImageAffinity {
  return tf.tidy(() => {
    const difference = tf.sub<Tensor2D>(student, teacher);
    const product = timesCovariance(difference, tf.sub<Tensor2D>(teacher, tf.mean(teacher, 0, true)));
    const divergence = tf.relu<Tensor2D>(tf.mul(rowSums(tf.mul(difference, product)), 0.5));
    return rowWeight === undefined
      ? { divergence }
      : { divergence, gradient: tf.mul<Tensor2D>(product, rowWeight) };
  });
}

/**
 * What contextual affinity becomes as its temperature grows: half the variance, over the positions j of the
 * image, of how much more the student's unit vector s_i is similar to the teacher's t_j than t_i is,
 * `var_j((s_i - t_i).t_j) / 2`; mean over positions and batch, summed over levels. Never negative.
 *
 * The limit of T^2 KL (DSKD equations 3 to 6) for T -> infinity, where all positions count the same; the
 * paper's T = 1 is near it, since similarities differ by less than 1. That variance is a quadratic form with the
 * covariance of the image's teacher vectors, so the cost is positions x channels^2 rather than
 * positions^2 x channels, where there are more positions than channels.
 *
 * The gradient reaches the student only; the teacher's is zero. There is no second derivative. A student's vector
 * of zeros receives no gradient.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student of the same shapes.
 * @throws {DskdError} `shape-mismatch`
 */
export function covarianceAffinityLoss(teacher: Features, student: Features): Scalar {
  return lossByImage(teacher, student, affinityOfImage);
}

/**
 * `var_j((s_i - t_i).t_j) / 2` at each position i of one level, as in {@link covarianceAffinityLoss}. Never negative.
 * Not differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student of the same shape.
 * @returns `[batch, height, width]`; the caller disposes it.
 * @throws {DskdError} `shape-mismatch`
 */
export function covarianceAffinityMap(teacher: Tensor4D, student: Tensor4D): Tensor3D {
  return mapByImage(teacher, student, affinityOfImage);
}
