// Objectives of networks that are trained against each other, and of the encoder that follows (f-AnoGAN).
import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor4D } from '@tensorflow/tfjs-core';
import { squaredError } from './reconstruction.js';

/** @throws {DskdError} `shape-mismatch` for another number of outputs. */
function assertOutputs(outputs: readonly Tensor4D[], count: number, what: string): void {
  if (outputs.length === count) return;
  throw new DskdError('shape-mismatch', `Got ${outputs.length} outputs of a network; wanted ${what}.`);
}

function assertWeight(name: string, weight: number): void {
  if (weight >= 0 && Number.isFinite(weight)) return;
  throw new DskdError('invalid-argument', `Got ${name} ${weight}; wanted 0 or more.`);
}

/**
 * The critic's loss of Wasserstein GANs with gradient penalty (Gulrajani et al., NIPS 2017, Eq. 3): the mean of its values for
 * generated images, less that for images, plus `penalty` times the mean squared difference from 1 of the length of its gradient at
 * points between both. The network returns these three, values of images first, each `[batch, 1, 1, 1]`. It has no map.
 * @throws {DskdError} `invalid-argument` for a negative `penalty`.
 */
export function wassersteinCritic({ penalty = 10 }: { readonly penalty?: number } = {}): Objective {
  assertWeight('penalty', penalty);
  return {
    name: 'wassersteinCritic',
    options: { penalty },
    loss(_images, outputs) {
      const what = "a critic's values of images, its values of generated ones, and lengths of its gradient";
      assertOutputs(outputs, 3, what);
      const [real, fake, lengths] = outputs;
      return tf.tidy(() => {
        const excess = tf.mean<Scalar>(tf.square(tf.sub(lengths!, 1)));
        return tf.add<Scalar>(tf.sub(tf.mean(fake!), tf.mean(real!)), tf.mul(excess, penalty));
      });
    },
    map: () => [],
  };
}

/** The generator's loss of Wasserstein GANs: less the mean of the critic's values for what it makes. It has no map. */
export function wassersteinGenerator(): Objective {
  return {
    name: 'wassersteinGenerator',
    options: {},
    loss(_images, outputs) {
      assertOutputs(outputs, 1, "a critic's values of generated images");
      const [values] = outputs;
      return tf.tidy(() => tf.neg(tf.mean<Scalar>(values!)));
    },
    map: () => [],
  };
}

/**
 * The loss of f-AnoGAN's encoder (Schlegl et al., Medical Image Analysis 2019, `izi_f`; tSchlegl/f-AnoGAN, z_encoding_izif.py): the
 * mean squared error of the reconstruction, plus `kappa` times that of the critic's features. The network returns the reconstruction,
 * the features of the images and those of the reconstruction; of the features of the images there is no gradient. Map: that of
 * `squaredError`, for which the reconstruction is enough.
 * @throws {DskdError} `invalid-argument` for a negative `kappa`.
 */
export function encodedError({ kappa = 1 }: { readonly kappa?: number } = {}): Objective {
  assertWeight('kappa', kappa);
  const error = squaredError();
  return {
    name: 'encodedError',
    options: { kappa },
    loss(images, outputs) {
      const what = 'a reconstruction, features of the images and features of the reconstruction';
      assertOutputs(outputs, 3, what);
      const [reconstruction, ofImages, ofReconstruction] = outputs;
      return tf.tidy(() => {
        const ofFeatures = error.loss([ofImages!], [ofReconstruction!]);
        return tf.add<Scalar>(error.loss(images, [reconstruction!]), tf.mul(ofFeatures, kappa));
      });
    },
    map: (images, [reconstruction]) => error.map(images, [reconstruction!]),
  };
}
