import { randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { MomentsAccumulator } from './moments.js';
import { Pacer } from './pacer.js';
import { assertFiniteRows, assertShape, assertWhole, spacedRows, type Rows } from './rows.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** Values of a block of rows: 4 MB. */
const BLOCK_VALUES = 1 << 20;

/** Rows that principal axes are computed from; of more, so many at equal intervals. */
const AXES_SAMPLE = 1 << 14;

/** The rows times `matrix`, `[points.width, width]`, on the current backend; in blocks, between which the event loop runs. */
async function mapped(points: Rows, matrix: Float32Array, width: number): Promise<Rows> {
  const pacer = new Pacer();
  const { data, count } = points;
  const result = { data: new Float32Array(count * width), count, width };
  const rowsPerBlock = Math.max(1, Math.floor(BLOCK_VALUES / points.width));
  const right = tf.tensor2d(matrix, [points.width, width]);
  try {
    for (let from = 0; from < count; from += rowsPerBlock) {
      const to = Math.min(from + rowsPerBlock, count);
      assertFiniteRows('points', points, from, to);
      const block = data.subarray(from * points.width, to * points.width);
      const product = tf.tidy(() =>
        tf.matMul<tf.Tensor2D>(tf.tensor2d(block, [to - from, points.width]), right),
      );
      try {
        result.data.set(await product.data<'float32'>(), from * width);
      } finally {
        product.dispose();
      }
      if (pacer.isDue) await pacer.pause();
    }
  } finally {
    right.dispose();
  }
  return result;
}

/**
 * Random linear map to `width` dimensions, not trained: entries +1 or -1, divided by the root of `width`. It keeps
 * squared distances on average (Achlioptas 2003, "Database-friendly random projections", Theorem 1.1); their relative
 * standard deviation is at most the root of `2 / width`. The product is computed on the current backend.
 *
 * @param points finite.
 * @param width dimensions of the result, at least 1.
 * @param seed of the signs, which depend only on it and on the two widths.
 * @returns new rows, as many as `points`.
 * @throws {DskdError} `invalid-argument` for values that are not finite or a width below 1; `shape-mismatch` where count
 * and width do not fit the data.
 */
export async function randomProjection(points: Rows, width: number, seed: number): Promise<Rows> {
  assertShape('points', points);
  assertWhole('the width of the projection', width);
  const stream = randomStream(seed, 'random-projection', points.width, width);
  const matrix = new Float32Array(points.width * width);
  const scale = 1 / Math.sqrt(width);
  for (let output = 0; output < width; output++) {
    for (let column = 0; column < points.width; column++) {
      matrix[column * width + output] = stream.integer(2) === 0 ? -scale : scale;
    }
  }
  return mapped(points, matrix, width);
}

/**
 * Rotates rows so that their columns are the principal axes, the one of largest variance first. Distances stay, to
 * float32's resolution, and most of a distance is in the first columns: a search that stops a sum at a bound
 * ({@link kCenterCoreset}) stops earlier. The axes are those of a sample, where there are many rows.
 * @param points finite, width up to a few hundred: time grows with its cube.
 * @returns new rows.
 * @throws {DskdError} `invalid-argument` for values that are not finite; `shape-mismatch` where count and width do not fit
 * the data.
 */
export async function principalRotation(points: Rows): Promise<Rows> {
  const moments = new MomentsAccumulator(points.width);
  moments.add(spacedRows(points, AXES_SAMPLE));
  const { vectors } = symmetricEigen(moments.covariance('n'), points.width);
  const { width } = points;
  const matrix = new Float32Array(width * width);
  for (const [axis, vector] of vectors.entries()) {
    for (let column = 0; column < width; column++) matrix[column * width + axis] = vector[column]!;
  }
  return mapped(points, matrix, width);
}
