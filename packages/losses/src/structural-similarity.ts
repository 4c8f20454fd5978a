import { accurateSum, gaussianBlur, type Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { differentiableSum, pairLevels } from './levels.js';

/** Deviation of the Gaussian window in pixels, and where it ends: 11 x 11 pixels. */
const SIGMA = 1.5;
const TRUNCATE = 3.5;
/** For values of the range 0..1. */
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/** `[batch, height, width, channels]` as maps `[batch channels, height, width]`. */
function channelMaps(images: Tensor4D): Tensor3D {
  const [batch, height, width, channels] = images.shape;
  const first = channels === 1 ? images : tf.transpose(images, [0, 3, 1, 2]);
  return tf.reshape(first, [batch * channels, height, width]);
}

/** The inverse of {@link channelMaps}. */
function asImages(maps: Tensor3D, [batch, height, width, channels]: Tensor4D['shape']): Tensor4D {
  if (channels === 1) return tf.reshape(maps, [batch, height, width, 1]);
  return tf.transpose(tf.reshape(maps, [batch, channels, height, width]), [0, 2, 3, 1]);
}

/** Means over the window around each pixel of several stacks of maps, all of one shape, in one pass. */
function windowMeans(stacks: readonly Tensor3D[]): Tensor3D[] {
  return tf.split(gaussianBlur(tf.concat(stacks.slice()), SIGMA, { truncate: TRUNCATE }), stacks.length);
}

/** Similarity at each pixel, and its derivatives by the means of `y`, `y^2` and `x y` over the window of that pixel. */
interface Similarity {
  readonly value: Tensor3D;
  readonly byMeans: () => readonly [mean: Tensor3D, square: Tensor3D, product: Tensor3D];
}

function similarityOf(x: Tensor3D, y: Tensor3D): Similarity {
  const means = windowMeans([x, y, tf.square(x), tf.square(y), tf.mul(x, y)]);
  const [mx, my, xx, yy, xy] = means as [Tensor3D, Tensor3D, Tensor3D, Tensor3D, Tensor3D];
  const both = tf.mul<Tensor3D>(mx, my);
  const squares = tf.add<Tensor3D>(tf.square(mx), tf.square(my));
  const luminance = tf.add<Tensor3D>(tf.mul(both, 2), C1);
  const structure = tf.add<Tensor3D>(tf.mul(tf.sub(xy, both), 2), C2);
  const meanScale = tf.add<Tensor3D>(squares, C1);
  const spreadScale = tf.add<Tensor3D>(tf.sub(tf.add(xx, yy), squares), C2);
  const scale = tf.mul<Tensor3D>(meanScale, spreadScale);
  const value = tf.div<Tensor3D>(tf.mul(luminance, structure), scale);
  return {
    value,
    byMeans: () => {
      const change = tf.div(tf.mul(tf.mul(mx, 2), tf.sub(structure, luminance)), scale);
      const slope = tf.mul(tf.mul(value, my), 2);
      const mean = tf.sub<Tensor3D>(change, tf.sub(tf.div(slope, meanScale), tf.div(slope, spreadScale)));
      return [mean, tf.neg(tf.div(value, spreadScale)), tf.div(tf.mul(luminance, 2), scale)];
    },
  };
}

/**
 * Structural similarity (Wang et al., IEEE TIP 2004, Eq. 13) as a loss of reconstructions (Bergmann et al., 2018): one minus
 * the local similarity, mean over positions, channels and batch, summed over levels; its map is the mean over channels. Range
 * 0..2, for images in 0..1. Windows are Gaussian, 11 x 11 with a deviation of 1.5, with population variances; the image is
 * mirrored at its edges, so that map and loss have every pixel (as scikit-image's `structural_similarity` before it crops the
 * edges).
 */
export function structuralSimilarity(): Objective {
  return {
    name: 'structuralSimilarity',
    options: {},
    loss: (images, reconstructions) =>
      differentiableSum(images, reconstructions, ({ teacher, student }) => {
        const [x, y] = [channelMaps(teacher), channelMaps(student)];
        const { value, byMeans } = similarityOf(x, y);
        // The matrix of a mirrored Gaussian is symmetric: the gradient passes the same window.
        const [mean, square, product] = windowMeans(byMeans()) as [Tensor3D, Tensor3D, Tensor3D];
        const gradient = tf.add(mean, tf.add(tf.mul(tf.mul(y, 2), square), tf.mul(x, product)));
        return {
          value: tf.sub<Scalar>(1, tf.mul(accurateSum(value), 1 / student.size)),
          gradient: asImages(tf.mul(gradient, -1 / student.size), student.shape),
        };
      }),
    map: (images, reconstructions) =>
      pairLevels(images, reconstructions).map(({ teacher, student }) =>
        tf.tidy(() => {
          const { value } = similarityOf(channelMaps(teacher), channelMaps(student));
          // Rounding can give equal images a similarity just above 1.
          const distance = tf.maximum(tf.sub(1, value), 0);
          return tf.mean<Tensor3D>(asImages(distance as Tensor3D, student.shape), 3);
        }),
      ),
  };
}
