import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/**
 * Entry `index` of the leading axis, `[1, ...]`. On wasm a crop of everything is a memcpy, where tf.slice and
 * tf.gather take ten to several hundred times as long; the crop of the webgpu backend returns zeros.
 */
function entryOf(tensor: Tensor4D, index: number): Tensor4D {
  const [, height, width, depth] = tensor.shape;
  if (tf.getBackend() !== 'wasm') return tf.slice(tensor, [index, 0, 0, 0], [1, height, width, depth]);
  return tf.tidy(() =>
    tf.image.cropAndResize(tensor, tf.tensor2d([0, 0, 1, 1], [1, 4]), tf.tensor1d([index], 'int32'), [
      height,
      width,
    ]),
  );
}

/** Image `index` of `[batch, height, width, channels]` as `[positions, channels]`. */
export function imageAt(features: Tensor4D, index: number): Tensor2D {
  const [, height, width, channels] = features.shape;
  return tf.tidy(() => tf.reshape(entryOf(features, index), [height * width, channels]));
}

/** `[rows, channels]` as `[blocks, blockRows, 1, channels]`, the last block filled up with zeros. */
export function rowBlocks(rows: Tensor2D, blockRows: number): Tensor4D {
  const [count, channels] = rows.shape;
  const blocks = Math.ceil(count / blockRows);
  return tf.tidy(() => {
    const missing = blocks * blockRows - count;
    const filled =
      missing > 0
        ? tf.pad(rows, [
            [0, missing],
            [0, 0],
          ])
        : rows;
    return tf.reshape(filled, [blocks, blockRows, 1, channels]);
  });
}

/** Block `index` of {@link rowBlocks}, `[blockRows, channels]`. */
export function rowsAt(blocks: Tensor4D, index: number): Tensor2D {
  const [, blockRows, , channels] = blocks.shape;
  return tf.tidy(() => tf.reshape(entryOf(blocks, index), [blockRows, channels]));
}

/** Drops what {@link rowBlocks} filled up. */
export function firstRows(rows: Tensor2D, count: number): Tensor2D {
  return rows.shape[0] === count ? rows : tf.slice(rows, [0, 0], [count, rows.shape[1]]);
}
