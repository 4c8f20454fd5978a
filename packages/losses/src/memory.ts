import { DskdError } from '@dskd/base';
import { accurateSum, type Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { squaredError } from './reconstruction.js';

/** Weights of the two losses of queries. */
interface MemoryOptions {
  readonly compactness?: number;
  readonly separateness?: number;
}

/** Margin of the triplet loss, and what torch adds to each entry of a difference before its length is taken. */
const MARGIN = 1;
const EPSILON = 1e-6;

/** Rows `x - y`, their lengths, and their directions. */
function towards(x: Tensor2D, y: Tensor2D): { length: Tensor2D; direction: Tensor2D } {
  const difference = tf.add<Tensor2D>(tf.sub(x, y), EPSILON);
  const length = tf.sqrt<Tensor2D>(tf.sum(tf.square(difference), 1, true));
  return { length, direction: tf.div(difference, length) };
}

/** Both losses of queries `[rows, length]` for items `[items, length]`, and their gradient. */
function queryLoss(
  queries: Tensor2D,
  items: Tensor2D,
  weights: Required<MemoryOptions>,
): { value: Scalar; gradient: Tensor2D } {
  const [rows, length] = queries.shape;
  const products = tf.matMul(queries, tf.transpose(items));
  const first = tf.oneHot(tf.argMax(products, 1), items.shape[0]);
  const others = tf.sub(products, tf.mul(first, 1e9));
  const second = tf.oneHot(tf.argMax(others, 1), items.shape[0]);
  const [nearest, next] = [first, second].map((chosen) =>
    tf.matMul<Tensor2D>(tf.cast(chosen as Tensor2D, 'float32'), items),
  ) as [Tensor2D, Tensor2D];
  const gap = tf.sub<Tensor2D>(queries, nearest);
  const [positive, negative] = [towards(queries, nearest), towards(queries, next)];
  const excess = tf.relu(tf.add(tf.sub(positive.length, negative.length), MARGIN));
  const pull = (2 * weights.compactness) / (rows * length);
  const push = weights.separateness / rows;
  const apart = tf.mul(tf.sub(positive.direction, negative.direction), tf.step(excess));
  return {
    value: tf.add(
      tf.mul(accurateSum(tf.square(gap)), pull / 2),
      tf.mul(accurateSum(excess as Tensor2D), push),
    ),
    gradient: tf.add(tf.mul(gap, pull), tf.mul(apart, push)),
  };
}

/**
 * The loss of MNAD (Park et al., CVPR 2020, Eq. 8 to 13; cvlab-yonsei/MNAD, model/Memory.py and Train.py): the mean squared error of
 * the reconstruction, plus `compactness` times the mean squared difference of each query and its nearest item (over channels,
 * too), plus `separateness` times a triplet loss with margin 1 between the nearest item and the next one. Default weights 0.1. The
 * network returns the reconstruction, the queries `[batch, height, width, length]` and the items `[1, 1, items, length]`, which
 * have no gradient. The map is that of `squaredError`.
 * @throws {DskdError} `invalid-argument` for a negative weight.
 */
export function memorizedError({ compactness = 0.1, separateness = 0.1 }: MemoryOptions = {}): Objective {
  if (![compactness, separateness].every((weight) => weight >= 0 && Number.isFinite(weight))) {
    throw new DskdError(
      'invalid-argument',
      `Got weights ${compactness} and ${separateness} of compactness and separateness; wanted 0 or more.`,
    );
  }
  const error = squaredError();
  return {
    name: 'memorizedError',
    options: { compactness, separateness },
    loss(images, [reconstruction, queries, items]) {
      if (!queries || !items || items.shape[2] < 2) {
        throw new DskdError(
          'shape-mismatch',
          'Got a reconstruction without queries and at least two items of a memory; wanted all three.',
        );
      }
      const length = queries.shape[3];
      const ofQueries = tf.customGrad<Scalar>((...args) => {
        const [asked, known, save] = args as [Tensor4D, Tensor4D, tf.GradSaveFunc];
        const rows = tf.reshape<tf.Rank.R2>(asked, [asked.size / length, length]);
        const vectors = tf.reshape<tf.Rank.R2>(known, [known.shape[2], length]);
        const { value, gradient } = queryLoss(rows, vectors, { compactness, separateness });
        save([tf.reshape(gradient, asked.shape), known]);
        return {
          value,
          gradFunc: (upstream: Scalar, saved: tf.Tensor[]) => [
            tf.mul(saved[0]!, upstream),
            tf.zerosLike(saved[1]!),
          ],
        };
      });
      return tf.tidy(() => tf.add<Scalar>(error.loss(images, [reconstruction!]), ofQueries(queries, items)));
    },
    map: (images, [reconstruction]) => error.map(images, [reconstruction!]),
  };
}
