import { DskdError } from '@dskd/base';
import { gaussianBlur, upsampleBilinear } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';

const LARGEST = 3.4e38;
/** Far below the smallest weight of a pixel for itself. Avoids 0 / 0. */
const TINY = 1e-20;

export interface SmoothMapsOptions {
  /**
   * One mask per image: `height * width` values, not 0 where a pixel is ignored; null where none is. Default: none is. Or the
   * opposite as a tensor: `bool` `[batch, ...size]`, false where a pixel is ignored; nothing is checked then.
   */
  readonly ignored?: readonly (Uint8Array | null)[] | Tensor3D;
  /**
   * `[height, width]` of the result, and of the masks: maps of another size are resized first, bilinear, pixels being
   * areas (`alignCorners: false`). Default: the size of the maps.
   */
  readonly size?: readonly [number, number];
}

function checkIgnored(
  ignored: readonly (Uint8Array | null)[],
  [batch, height, width]: readonly [number, number, number],
): void {
  if (ignored.length !== batch) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${ignored.length} ignore masks for ${batch} maps; wanted one per map.`,
    );
  }
  for (const [image, mask] of ignored.entries()) {
    if (mask && mask.length !== height * width) {
      throw new DskdError(
        'shape-mismatch',
        `Got an ignore mask of ${mask.length} pixels; wanted ${height} x ${width}, as the maps.`,
        { details: { image, got: mask.length, height, width } },
      );
    }
    if (mask?.every((value) => value !== 0)) {
      throw new DskdError(
        'invalid-argument',
        `The ignore mask of image ${image} covers every pixel; wanted at least one to score.`,
        { details: { image } },
      );
    }
  }
}

/**
 * Smooths maps with the Gaussian filter of `@dskd/core`. In an image with ignored pixels, each result is the weighted
 * mean of the other pixels (filtered map divided by filtered mask), so ignored pixels do not influence others. An
 * ignored pixel gets the lowest value of its map, so the maximum is never there.
 * @param maps float32 `[batch, height, width]`, finite.
 * @param sigma standard deviation in pixels, at least 0.
 * @returns a new tensor `[batch, ...size]`. The caller disposes it; `maps` stay. The result of an image does not depend
 * on the other images of the batch.
 * @throws {DskdError} `shape-mismatch` for masks of another size or number; `invalid-argument` for a mask that
 * covers a whole image or a sigma out of range.
 */
export function smoothMaps(
  maps: Tensor3D,
  sigma: number,
  { ignored, size = [maps.shape[1], maps.shape[2]] }: SmoothMapsOptions = {},
): Tensor3D {
  const [batch] = maps.shape;
  const [height, width] = size;
  if (ignored instanceof tf.Tensor) {
    return tf.tidy(() => {
      const isMasked = tf.any<Tensor3D>(tf.logicalNot(ignored), [1, 2], true);
      return smoothCounted(maps, sigma, size, ignored, isMasked);
    });
  }
  if (ignored) checkIgnored(ignored, [batch, height, width]);
  if (!ignored?.some((mask) => mask !== null)) return gaussianBlur(maps, sigma, { size });
  return tf.tidy(() => {
    const flags = new Uint8Array(batch * height * width).fill(1);
    ignored.forEach((mask, image) =>
      mask?.forEach((value, i) => {
        if (value !== 0) flags[image * height * width + i] = 0;
      }),
    );
    const counts = tf.tensor3d(flags, [batch, height, width], 'bool');
    const isMasked = tf.tensor3d(
      ignored.map((mask) => (mask ? 1 : 0)),
      [batch, 1, 1],
      'bool',
    );
    return smoothCounted(maps, sigma, size, counts, isMasked);
  });
}

/**
 * @param counts `[batch, ...size]`, which pixels are not ignored.
 * @param isMasked `[batch, 1, 1]`, which images have ignored pixels.
 */
function smoothCounted(
  maps: Tensor3D,
  sigma: number,
  size: readonly [number, number],
  counts: Tensor3D,
  isMasked: Tensor3D,
): Tensor3D {
  const whole = upsampleBilinear(maps, size, { alignCorners: false });
  // Not a cast: on webgpu that only renames the integers of an uploaded mask, and their transpose, in the filter, is not computed.
  const used = tf.where(counts, tf.onesLike(whole), tf.zerosLike(whole));
  const weights = tf.maximum(gaussianBlur(used, sigma), TINY);
  const counted = tf.div<Tensor3D>(gaussianBlur(tf.mul(whole, used), sigma), weights);
  // An image without a mask gets the result that it has alone, to the bit.
  const smoothed = tf.where(isMasked, counted, gaussianBlur(maps, sigma, { size }));
  const counting = tf.where(counts, smoothed, tf.fill<tf.Rank.R3>(whole.shape, LARGEST));
  const lowest = tf.min<Tensor3D>(counting, [1, 2], true);
  return tf.where(counts, smoothed, tf.mul(lowest, tf.onesLike(used)));
}
