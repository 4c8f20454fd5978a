import { DskdError } from '@dskd/base';
import { accurateSum, type Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { differentiableSum, pairLevels, type Features } from './levels.js';

/** The squared error of each value, summed over channels: one map per level. */
const errorMaps: Objective['map'] = (images, reconstructions) =>
  pairLevels(images, reconstructions).map(({ teacher, student }) =>
    tf.tidy(() => tf.sum<Tensor3D>(tf.squaredDifference(teacher, student), 3)),
  );

/** The squared error of all values times `factor` of a level with so many values, summed over levels. */
function errorSum(images: Features, reconstructions: Features, factor: (values: number) => number): Scalar {
  return differentiableSum(images, reconstructions, ({ teacher, student }) => {
    const error = tf.sub<Tensor4D>(student, teacher);
    const scale = factor(student.size);
    return {
      value: tf.mul<Scalar>(accurateSum(tf.square(error)), scale),
      gradient: tf.mul<Tensor4D>(error, 2 * scale),
    };
  });
}

/** Mean over values and batch of the squared error, summed over levels; its map sums the squared error over channels. */
export function squaredError(): Objective {
  return {
    name: 'squaredError',
    options: {},
    loss: (images, reconstructions) => errorSum(images, reconstructions, (values) => 1 / values),
    map: errorMaps,
  };
}

/**
 * The negative evidence bound of a variational autoencoder (Kingma & Welling, 2014, Eq. 10) with a Gaussian of deviation 1:
 * half the squared error summed over values, plus `beta` times the KL divergence
 * `-1/2 sum (1 + log s^2 - m^2 - s^2)` of the vector from a standard normal one; mean over the batch. The network returns the
 * reconstruction, the mean m and the log-variance log s^2, both `[batch, 1, 1, latent]`. The map is that of `squaredError`.
 * @throws {DskdError} `invalid-argument` for a negative `beta`.
 */
export function variational({ beta = 1 }: { readonly beta?: number } = {}): Objective {
  if (!(beta >= 0) || !Number.isFinite(beta)) {
    throw new DskdError('invalid-argument', `Got beta ${beta} of a variational objective; wanted 0 or more.`);
  }
  return {
    name: 'variational',
    options: { beta },
    loss(images, [reconstruction, mean, logVariance]) {
      if (!mean || !logVariance) {
        throw new DskdError(
          'shape-mismatch',
          'Got a reconstruction without mean and log-variance; wanted all three.',
        );
      }
      return tf.tidy(() => {
        const size = images[0]!.shape[0];
        const error = errorSum(images, [reconstruction!], () => 0.5 / size);
        const squares = tf.add(tf.square(mean), tf.exp(logVariance));
        const divergence = tf.sum(tf.sub(tf.sub(squares, logVariance), 1));
        return tf.add<Scalar>(error, tf.mul(divergence, (0.5 * beta) / size));
      });
    },
    map: (images, [reconstruction]) => errorMaps(images, [reconstruction!] as readonly Tensor4D[]),
  };
}
