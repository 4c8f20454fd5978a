import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Matrix } from './linear-maps.js';
import { interpolationMatrix } from './upsample-bilinear.js';

/** `matrix` or its transpose as a tensor `[1, rows, columns]`, for every product of a batch. */
function toTensor({ values, rows, columns }: Matrix, transposed: boolean): tf.Tensor3D {
  const matrix = tf.tensor3d(values, [1, rows, columns]);
  return transposed ? tf.transpose(matrix, [0, 2, 1]) : matrix;
}

/** `down * map * across^T` of each channel, or with both matrices transposed. */
function apply(x: Tensor4D, down: Matrix, across: Matrix, transposed: boolean): Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const rows = tf.reshape<tf.Rank.R3>(x, [batch, height, width * channels]);
    const tall = tf.matMul(toTensor(down, transposed), rows);
    const newHeight = tall.shape[1]!;
    const columns = tf.reshape<tf.Rank.R3>(tall, [batch * newHeight, width, channels]);
    const wide = tf.matMul(toTensor(across, transposed), columns);
    return tf.reshape<tf.Rank.R4>(wide, [batch, newHeight, wide.shape[1]!, channels]);
  });
}

/**
 * Resizes features as torch's `F.interpolate(features, size, mode='bilinear', align_corners=False)`, without antialiasing. Two
 * matrix products, so that the gradient is exact: that of `tf.image.resizeBilinear` knows no half-pixel centers.
 * @param features float32 `[batch, height, width, channels]`.
 * @param size `[height, width]` of the result, positive integers.
 * @returns `[batch, ...size, channels]`, a new tensor also where the size does not change. The caller disposes it.
 */
export function resizeFeatures(features: Tensor4D, size: readonly [number, number]): Tensor4D {
  const [, height, width] = features.shape;
  if (size[0] === height && size[1] === width) return tf.clone(features);
  const down = interpolationMatrix(height, size[0], false);
  const across = interpolationMatrix(width, size[1], false);
  const operation = tf.customGrad((...args) => {
    const [x] = args as [Tensor4D];
    return {
      value: apply(x, down, across, false),
      gradFunc: (dy: tf.Tensor): tf.Tensor => apply(dy as Tensor4D, down, across, true),
    };
  });
  return operation(features) as Tensor4D;
}
