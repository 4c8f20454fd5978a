import * as tf from '@tensorflow/tfjs-core';
import { asConstant } from '../layers/tensor-ops.js';

/** A network that gives each image one number, `[batch, 1, 1, 1]`, which depends on no other image. */
type Critic = (images: tf.Tensor4D) => tf.Tensor4D;

/** Root mean square of how far from an image the critic is evaluated, for images in -1..1. */
const STEP = 0.005;

/** The direction in which the critic rises most at each image: unit vectors, or 0 where it has no gradient. */
function directions(critic: Critic, images: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const gradient = tf.grad((x) => tf.sum(critic(x as tf.Tensor4D)))(images);
    const squares = tf.sum(tf.sum(tf.sum(tf.square(gradient), 3), 2), 1);
    const norm = tf.reshape(tf.sqrt(squares), [images.shape[0], 1, 1, 1]);
    return tf.div(gradient, tf.maximum(norm, 1e-20));
  });
}

/**
 * The images at which {@link slopesBetween} needs the critic's values: a step ahead in the direction in which it rises most, and a
 * step back.
 * @returns two constants; the caller disposes them.
 */
export function aheadAndBack(critic: Critic, images: tf.Tensor4D, step = STEP): [tf.Tensor4D, tf.Tensor4D] {
  return tf.tidy(() => {
    const way = asConstant(() => tf.mul(directions(critic, images), lengthOf(images, step)));
    return [tf.add<tf.Tensor4D>(images, way), tf.sub<tf.Tensor4D>(images, way)];
  });
}

/**
 * The length of the critic's gradient at each image, by a symmetric difference: its derivative in the direction in which it rises
 * most. That direction is a constant, since the length does not change with it to first order, so the gradient of this by
 * the critic's parameters is that of the length, up to the square of the step, and takes first derivatives only: second ones of
 * a convolution by its filter do not exist here.
 * @param ahead values of the critic at the first of {@link aheadAndBack}, `back` at the second.
 * @param images their shape is used.
 */
export function slopesBetween(
  ahead: tf.Tensor4D,
  back: tf.Tensor4D,
  images: tf.Tensor4D,
  step = STEP,
): tf.Tensor4D {
  return tf.tidy(() => tf.div<tf.Tensor4D>(tf.sub(ahead, back), 2 * lengthOf(images, step)));
}

function lengthOf({ size, shape }: tf.Tensor4D, step: number): number {
  return step * Math.sqrt(size / shape[0]);
}
