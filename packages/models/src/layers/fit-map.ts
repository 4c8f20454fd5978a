import * as tf from '@tensorflow/tfjs-core';

/**
 * Crops at the bottom and right, or appends zeros there, to `[height, width]`: what doubling does not hit
 * exactly when a map's side is odd.
 */
export function fitMap(x: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [batch, rows, columns, channels] = x.shape;
  const cropped =
    rows > height || columns > width
      ? tf.slice(x, [0, 0, 0, 0], [batch, Math.min(rows, height), Math.min(columns, width), channels])
      : x;
  const [below, right] = [Math.max(0, height - rows), Math.max(0, width - columns)];
  if (below === 0 && right === 0) return cropped;
  return tf.pad(cropped, [[0, 0], [0, below], [0, right], [0, 0]]); // prettier-ignore
}
