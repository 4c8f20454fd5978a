import * as tf from '@tensorflow/tfjs-core';
import type { MaxPool } from './plan.js';
import { pooledSize } from './sizes-and-cost.js';

/** Adds zeros around the map, as torch does. With stride 2, tfjs's 'same' would add them on other sides. */
function padded(x: tf.Tensor4D, before: number, after: readonly [number, number]): tf.Tensor4D {
  if (before === 0 && after[0] === 0 && after[1] === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [before, after[0]],
    [before, after[1]],
    [0, 0],
  ]);
}

/** Max pooling of features that are not negative. Call it inside `tf.tidy`. */
export function maxPool(x: tf.Tensor4D, pool: MaxPool): tf.Tensor4D {
  const size = [x.shape[1], x.shape[2]] as const;
  const pooled = pooledSize(size, pool);
  // Rows and columns that the last window needs beyond the edge. torch fills them with -infinity. After a ReLU zeros
  // give the same maximum, because each window contains at least one feature.
  const after = size.map((side, axis) => Math.max(0, 2 * pooled[axis]! + 1 - side - pool.padding));
  return tf.maxPool(padded(x, pool.padding, [after[0]!, after[1]!]), 3, 2, 'valid');
}
