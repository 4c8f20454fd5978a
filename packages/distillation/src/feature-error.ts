import { sumAll, type Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** Mean squared difference of one level; `target` receives no gradient. */
function meanSquaredError(target: tf.Tensor4D, prediction: tf.Tensor4D): tf.Scalar {
  const operation = tf.customGrad((...args) => {
    const [guess, save] = args as [tf.Tensor4D, tf.GradSaveFunc];
    save([guess]);
    const value = tf.tidy(() => tf.div<tf.Scalar>(sumAll(tf.squaredDifference(guess, target)), guess.size));
    const gradFunc = (dy: tf.Scalar, saved: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => tf.mul(tf.sub(saved[0]!, target), tf.mul(dy, 2 / target.size)));
    return { value, gradFunc };
  });
  return operation(prediction);
}

/** Mean squared difference of each level. The caller disposes them. */
export function levelErrors(
  targets: readonly tf.Tensor4D[],
  predictions: readonly tf.Tensor4D[],
): tf.Scalar[] {
  return targets.map((target, level) => meanSquaredError(target, predictions[level]!));
}

/** The sum over levels of the mean squared difference of features. */
export const FEATURE_ERROR: Objective = {
  name: 'featureError',
  options: {},
  loss: (targets, predictions) => tf.tidy(() => tf.addN<tf.Scalar>(levelErrors(targets, predictions))),
  map: (targets, predictions) =>
    targets.map((target, level) =>
      tf.tidy(() => tf.mean<tf.Tensor3D>(tf.squaredDifference(target, predictions[level]!), 3)),
    ),
};
