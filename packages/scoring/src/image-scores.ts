import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';

/**
 * The Gaussian's standard deviation for maps of `[height, width]`: 4 pixels at 256, in proportion to the
 * shorter side.
 */
export function defaultSigma([height, width]: readonly [number, number]): number {
  return (4 * Math.min(height, width)) / 256;
}

export interface ImageScoresOptions {
  /**
   * `height * width` values, row by row; pixels that are not 0 are left out. The blur comes first, so an anomaly
   * inside the mask can still reach over its edge by the Gaussian's radius.
   */
  readonly ignored?: Uint8Array;
}

function usedPixels(ignored: Uint8Array, [, height, width]: Tensor3D['shape']): Int32Array {
  if (ignored.length !== height * width) {
    throw new DskdError(
      'shape-mismatch',
      `Got an ignore mask of ${ignored.length} pixels; wanted ${height} x ${width}, as the maps.`,
      { details: { got: ignored.length, height, width } },
    );
  }
  const used = Int32Array.from(ignored.keys()).filter((index) => ignored[index] === 0);
  if (used.length === 0) {
    throw new DskdError(
      'invalid-argument',
      'The ignore mask covers every pixel; wanted at least one to score.',
    );
  }
  return used;
}

/**
 * The score of each image: the maximum of its smoothed map at network size. So an image's score exceeds a
 * threshold exactly when some pixel of its map does, and one threshold serves for images, pixels and regions.
 * @param smoothed `[batch, height, width]`.
 * @returns one score per image.
 * @throws {DskdError} `numerical-instability` when a used pixel is NaN or infinite; `shape-mismatch` when the
 * ignore mask has another size; `invalid-argument` when it covers everything.
 */
export async function imageScores(
  smoothed: Tensor3D,
  { ignored }: ImageScoresOptions = {},
): Promise<Float32Array> {
  const [batch, height, width] = smoothed.shape;
  const used = ignored && usedPixels(ignored, smoothed.shape);
  const [maxima, sums] = tf.tidy(() => {
    const flat = tf.reshape(smoothed, [batch, height * width]);
    const pixels = used ? tf.gather(flat, tf.tensor1d(used, 'int32'), 1) : flat;
    return [tf.max<Tensor1D>(pixels, 1), tf.sum<Tensor1D>(pixels, 1)];
  });
  try {
    const [scores, checks] = (await Promise.all([maxima.data(), sums.data()])) as [
      Float32Array,
      Float32Array,
    ];
    // Some backends' maximum passes over NaN; a sum never does.
    const broken = checks.findIndex((check, i) => !Number.isFinite(check) || !Number.isFinite(scores[i]));
    if (broken >= 0) {
      throw new DskdError(
        'numerical-instability',
        `The anomaly map of image ${broken} of the batch holds NaN or infinity; wanted finite values.`,
        { hint: 'The network has diverged, or the image was not finite.', details: { image: broken } },
      );
    }
    return scores.slice();
  } finally {
    tf.dispose([maxima, sums]);
  }
}
