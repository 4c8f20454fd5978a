import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** A dense float32 matrix, `rows x columns`, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** @throws {DskdError} `shape-mismatch` unless `maps` is `[batch, height, width]`. */
export function assertMaps(maps: Tensor3D): void {
  const shape: readonly number[] = maps.shape;
  if (shape.length === 3) return;
  throw new DskdError(
    'shape-mismatch',
    `Got maps of shape [${shape.join(', ')}]; wanted [batch, height, width].`,
    {
      details: { shape: [...shape] },
    },
  );
}

/**
 * Computes `down * map * across^T` for each map. Smoothing and resizing as two matrix products give the same result
 * on every backend and are fast on all of them, unlike tfjs's kernels for resizing and convolution.
 *
 * @param maps `[batch, height, width]`.
 * @param down `[newHeight, height]`.
 * @param across `[newWidth, width]`.
 * @returns a new tensor `[batch, newHeight, newWidth]`.
 */
export function transformMaps(maps: Tensor3D, down: Matrix, across: Matrix): Tensor3D {
  return tf.tidy(() => {
    const [batch, height, width] = maps.shape;
    // Height first, so that one product processes all maps.
    const byHeight = tf.reshape(tf.transpose(maps, [1, 0, 2]), [height, batch * width]);
    const tall = tf.reshape(tf.matMul(toTensor(down), byHeight), [down.rows, batch, width]);
    const byMap = tf.reshape(tf.transpose(tall, [1, 0, 2]), [batch * down.rows, width]);
    // Transposed here: wasm multiplies by a transposed matrix ten times slower.
    const wide = tf.matMul(byMap, toTensor(transposed(across)));
    return tf.reshape<tf.Rank.R3>(wide, [batch, down.rows, across.rows]);
  });
}

function toTensor({ values, rows, columns }: Matrix): Tensor2D {
  return tf.tensor2d(values, [rows, columns], 'float32');
}

function transposed({ values, rows, columns }: Matrix): Matrix {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column]!;
    }
  }
  return { rows: columns, columns: rows, values: result };
}
