import * as tf from '@tensorflow/tfjs-core';
import type { FoldedConvolution } from './fold.js';
import { pooledSize } from './output-sizes.js';
import type { Block, Convolution, MaxPool } from './plan.js';

export type FoldedWeights = ReadonlyMap<string, FoldedConvolution>;

/** Zeros around the image plane: torch's padding, which tfjs's 'same' is not (reference.md 8.1). */
function padded(x: tf.Tensor4D, before: number, after: readonly [number, number]): tf.Tensor4D {
  if (before === 0 && after[0] === 0 && after[1] === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [before, after[0]],
    [before, after[1]],
    [0, 0],
  ]);
}

function convolve(x: tf.Tensor4D, convolution: Convolution, weights: FoldedWeights): tf.Tensor4D {
  const { name, stride, padding, relu } = convolution;
  const { filter, bias } = weights.get(name)!;
  return tf.fused.conv2d({
    x: padded(x, padding, [padding, padding]),
    filter,
    strides: stride,
    pad: 'valid',
    bias,
    activation: relu ? 'relu' : 'linear',
  });
}

function maxPool(x: tf.Tensor4D, pool: MaxPool): tf.Tensor4D {
  const size = [x.shape[1], x.shape[2]] as const;
  const pooled = pooledSize(size, pool);
  // What a last window needs beyond the edge. torch fills with -infinity; on features that went through a
  // ReLU, where each window holds at least one of them, zeros give the same maximum.
  const after = size.map((side, axis) => Math.max(0, 2 * pooled[axis]! + 1 - side - pool.padding));
  return tf.maxPool(padded(x, pool.padding, [after[0]!, after[1]!]), 3, 2, 'valid');
}

/** One block's features. Call inside `tf.tidy`. */
export function runBlock(x: tf.Tensor4D, block: Block, weights: FoldedWeights): tf.Tensor4D {
  switch (block.kind) {
    case 'convolution':
      return convolve(x, block.convolution, weights);
    case 'max-pool':
      return maxPool(x, block);
    case 'residual': {
      const body = block.body.reduce((features, part) => convolve(features, part, weights), x);
      const shortcut = block.shortcut ? convolve(x, block.shortcut, weights) : x;
      return tf.relu(tf.add(body, shortcut));
    }
    case 'fire': {
      const squeezed = convolve(x, block.squeeze, weights);
      return tf.concat(
        block.expansions.map((expansion) => convolve(squeezed, expansion, weights)),
        3,
      );
    }
  }
}
