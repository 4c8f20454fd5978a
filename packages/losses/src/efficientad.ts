import { DskdError } from '@dskd/base';
import { accurateSum, type Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { pairLevels } from './levels.js';

/**
 * The hard feature loss of EfficientAD (Batzner et al., WACV 2024, Eq. 1-3): the mean of the squared errors that are at least
 * their quantile `share`, over all values of the batch. Only the student receives a gradient.
 */
function hardFeatureLoss(teacher: Tensor4D, student: Tensor4D, share: number): Scalar {
  const operation = tf.customGrad((...args) => {
    const [prediction, save] = args as [Tensor4D, tf.GradSaveFunc];
    const [value, gradient] = tf.tidy(() => {
      const error = tf.sub<Tensor4D>(prediction, teacher);
      const squares = tf.square(error);
      // The quantile lies between the two values of rank `share (n - 1)`: what is at least it begins with the upper one.
      const hardest = squares.size - Math.ceil(share * (squares.size - 1));
      const { values } = tf.topk(tf.reshape(squares, [-1]), hardest);
      // Repeated, because comparing tensors of one shape is many times faster on wasm.
      const least = tf.reshape(tf.tile(tf.slice(values, hardest - 1, 1), [squares.size]), squares.shape);
      const mask = tf.cast(tf.greaterEqual(squares, least), 'float32');
      const inverse = tf.div(1, accurateSum(mask));
      const sum = accurateSum(tf.mul(squares, mask));
      return [tf.mul<Scalar>(sum, inverse), tf.mul<Tensor4D>(tf.mul(error, mask), tf.mul(inverse, 2))] as [
        Scalar,
        Tensor4D,
      ];
    });
    save([gradient]);
    const gradFunc = (upstream: Tensor, saved: Tensor[]): Tensor => tf.mul(saved[0]!, upstream);
    return { value, gradFunc };
  });
  return operation(student);
}

/** The mean of all squared differences; both receive a gradient. */
function meanSquare(one: Tensor4D, other: Tensor4D): Scalar {
  return tf.mul(accurateSum(tf.squaredDifference(one, other)), 1 / one.size);
}

/** The squared error of each position, mean over channels. */
function errorMap(one: Tensor4D, other: Tensor4D): Tensor3D {
  return tf.tidy(() => tf.mean<Tensor3D>(tf.squaredDifference(one, other), 3));
}

/**
 * The target for the images themselves and for what was made of them for the autoencoder: the upper and the lower half of the
 * teacher's features where those are twice as high as what the student predicts, else the same.
 */
function targetsFor(
  teacher: Tensor4D,
  [batch, height, width, channels]: Tensor4D['shape'],
): [Tensor4D, Tensor4D] {
  const rows = teacher.shape[1];
  if (rows === height) return [teacher, teacher];
  const part = (from: number): Tensor4D =>
    tf.slice(teacher, [0, from, 0, 0], [batch, height, width, channels]);
  return [part(0), part(rows - height)];
}

/**
 * The training loss of EfficientAD (Batzner et al., WACV 2024, Sec. 3.2-3.3; nelson1425/EfficientAD efficientad.py): the hard feature
 * loss of the student, the squared errors of the autoencoder and of the student's prediction of it, not detached, and the square of
 * what the student predicts for penalty images. The network returns these predictions in this order, the last in training
 * steps only. Two maps: student and teacher, student and autoencoder; squared errors, mean over channels.
 * @throws {DskdError} `invalid-argument` for a `share` outside of 0 to 1.
 */
export function efficientAd({ share = 0.999 }: { readonly share?: number } = {}): Objective {
  if (!(share >= 0 && share <= 1)) {
    throw new DskdError(
      'invalid-argument',
      `Got ${share} as the share of features that are not hard; wanted 0 to 1.`,
    );
  }
  const split = (
    [features]: readonly Tensor4D[],
    [ofTeacher, autoencoder, ofAutoencoder, ofPenalty]: readonly Tensor4D[],
  ) => {
    if (!features || !ofTeacher || !autoencoder || !ofAutoencoder) {
      throw new DskdError(
        'shape-mismatch',
        "Got fewer predictions than a student's of the teacher, an autoencoder's, and a student's of the autoencoder.",
      );
    }
    const [own, changed] = targetsFor(features, ofTeacher.shape);
    pairLevels([own, changed, autoencoder], [ofTeacher, autoencoder, ofAutoencoder]);
    return { own, changed, ofTeacher, autoencoder, ofAutoencoder, ofPenalty };
  };
  return {
    name: 'efficientad',
    options: { share },
    loss: (teacher, student) =>
      tf.tidy(() => {
        const { own, changed, ofTeacher, autoencoder, ofAutoencoder, ofPenalty } = split(teacher, student);
        const terms = [
          hardFeatureLoss(own, ofTeacher, share),
          meanSquare(autoencoder, changed),
          meanSquare(ofAutoencoder, autoencoder),
        ];
        if (ofPenalty) terms.push(tf.mul<Scalar>(accurateSum(tf.square(ofPenalty)), 1 / ofPenalty.size));
        return terms.reduce((sum, term) => tf.add(sum, term));
      }),
    map: (teacher, student) =>
      tf.tidy(() => {
        const { own, ofTeacher, autoencoder, ofAutoencoder } = split(teacher, student);
        return [errorMap(own, ofTeacher), errorMap(autoencoder, ofAutoencoder)];
      }),
  };
}
