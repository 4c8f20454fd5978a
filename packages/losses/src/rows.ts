import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** The largest divisor of `length` that does not exceed its square root. */
function stageLength(length: number): number {
  for (let size = Math.floor(Math.sqrt(length)); size > 1; size--) if (length % size === 0) return size;
  return 1;
}

/** The sum of each row of `[rows, length]`, `[rows, 1]`, in two stages: more accurate, and faster on wasm. */
export function rowSums(x: Tensor2D): Tensor2D {
  const [rows, length] = x.shape;
  const stage = stageLength(length);
  if (stage === 1) return tf.sum(x, 1, true);
  return tf.tidy(() => tf.sum(tf.sum(tf.reshape(x, [rows, length / stage, stage]), 2), 1, true));
}

/**
 * The matrix product `a b` as a sum of products over about sqrt(length) of the common length each. Backends sum in
 * sequence, and the error of that is visible after a division by a small temperature. Slower than one product.
 * @param a `[rows, length]`
 * @param b `[length, columns]`
 */
export function stagedProduct(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [rows, length] = a.shape;
  const columns = b.shape[1];
  const stage = Math.ceil(Math.sqrt(length));
  return tf.tidy(() => {
    let sum: Tensor2D | undefined;
    for (let start = 0; start < length; start += stage) {
      const size = Math.min(stage, length - start);
      const part = tf.tidy(() =>
        tf.matMul<Tensor2D>(tf.slice(a, [0, start], [rows, size]), tf.slice(b, [start, 0], [size, columns])),
      );
      const next: Tensor2D = sum ? tf.add(sum, part) : part;
      if (sum) tf.dispose([sum, part]);
      sum = next;
    }
    return sum!;
  });
}

/** Shorter vectors are treated as zero (the eps of torch's cosine_similarity). */
const SMALLEST_NORM = 1e-8;

/** Rows of length 1 and the inverse of their original length (0 for a zero row). */
export type NormalizedRows = {
  /** `[rows, channels]` */
  readonly unit: Tensor2D;
  /** `[rows, 1]` */
  readonly inverseNorm: Tensor2D;
};

/** Divides the rows of `[rows, channels]` by their lengths. Rows shorter than 1e-8 become 0. */
export function normalized(rows: Tensor2D): NormalizedRows {
  return tf.tidy(() => {
    const squaredNorm = rowSums(tf.square(rows));
    const hasDirection = tf.cast(tf.greater(squaredNorm, SMALLEST_NORM ** 2), 'float32');
    const inverseNorm = tf.mul<Tensor2D>(tf.rsqrt(tf.maximum(squaredNorm, SMALLEST_NORM ** 2)), hasDirection);
    const unit = tf.mul<Tensor2D>(rows, inverseNorm);
    return { unit, inverseNorm };
  });
}

/**
 * The gradient with respect to the original rows f from the gradient with respect to their unit vectors s:
 * (I - s s^T) gradient / |f|.
 */
export function throughNormalization(gradient: Tensor2D, { unit, inverseNorm }: NormalizedRows): Tensor2D {
  return tf.tidy(() => {
    const along = rowSums(tf.mul(unit, gradient));
    return tf.mul<Tensor2D>(tf.sub(gradient, tf.mul(unit, along)), inverseNorm);
  });
}

/**
 * Scales every channel vector to length 1. Vectors shorter than 1e-8 become zero, and their gradient is zero.
 * Differentiable with one custom gradient: no registered gradient is needed, and there is no second derivative.
 * @param features float32 `[batch, height, width, channels]`.
 * @returns a new tensor of the same shape. The caller disposes it.
 */
export function unitVectors(features: Tensor4D): Tensor4D {
  const [batch, height, width, channels] = features.shape;
  const asRows = (tensor: Tensor): Tensor2D => tf.reshape(tensor, [batch * height * width, channels]);
  const normalize = tf.customGrad<Tensor4D>((x, save) => {
    const { unit, inverseNorm } = normalized(asRows(x as Tensor4D));
    (save as tf.GradSaveFunc)([unit, inverseNorm]);
    return {
      value: tf.reshape(unit, features.shape),
      gradFunc: (upstream, saved) => {
        const rows = { unit: saved[0] as Tensor2D, inverseNorm: saved[1] as Tensor2D };
        return tf.reshape(throughNormalization(asRows(upstream), rows), features.shape);
      },
    };
  });
  return tf.tidy(() => normalize(features));
}

/**
 * Entry `index` of the first axis, `[1, ...]`. On wasm a crop of the whole entry is a memcpy, while tf.slice and
 * tf.gather take ten to several hundred times as long. The crop of the webgpu backend returns zeros.
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

/** `[rows, channels]` as `[blocks, blockRows, 1, channels]`, the last block padded with zeros. */
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

/** Removes the padding of {@link rowBlocks}. */
export function firstRows(rows: Tensor2D, count: number): Tensor2D {
  return rows.shape[0] === count ? rows : tf.slice(rows, [0, 0], [count, rows.shape[1]]);
}
