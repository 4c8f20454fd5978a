import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { firstMaximum, type FirstMaximum } from './first-maximum.js';
import { ROWS_PER_BLOCK, type CenteredRows, type NeighborSearch } from './neighbor-search.js';

/** Part of the bank on the backend: centered rows as columns, and half their squared norms. */
interface BankBlock {
  readonly start: number;
  readonly columns: Tensor2D;
  readonly halfNorms: Tensor2D;
}

function uploadBlock({ rows, mean }: CenteredRows, start: number, end: number): BankBlock {
  const { data, width } = rows;
  const count = end - start;
  const columns = new Float32Array(width * count);
  const halfNorms = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    let norm = 0;
    for (let column = 0; column < width; column++) {
      const value = Math.fround(data[(start + row) * width + column]! - mean[column]!);
      columns[column * count + row] = value;
      norm += value * value;
    }
    halfNorms[row] = norm / 2;
  }
  return {
    start,
    columns: tf.keep(tf.tensor2d(columns, [width, count], 'float32')),
    halfNorms: tf.keep(tf.tensor2d(halfNorms, [1, count], 'float32')),
  };
}

/** The better one of two maxima of each query; of equal ones `before`, whose rows come first. */
function better(before: FirstMaximum, after: FirstMaximum): FirstMaximum {
  const result = tf.tidy((): FirstMaximum => {
    const isBetter = tf.greater(after.values, before.values);
    return {
      values: tf.maximum(before.values, after.values),
      indices: tf.where(isBetter, after.indices, before.indices),
    };
  });
  tf.dispose([before.values, before.indices, after.values, after.indices]);
  return result;
}

/**
 * Compares each query with each row on the backend, by `q.b - |b|^2 / 2` in float32. Of rows whose distances differ by
 * less than its rounding errors it may choose either.
 */
export class ExhaustiveSearch implements NeighborSearch {
  readonly #blocks: readonly BankBlock[];

  constructor(bank: CenteredRows) {
    const { count } = bank.rows;
    this.#blocks = Array.from({ length: Math.ceil(count / ROWS_PER_BLOCK) }, (_, block) =>
      uploadBlock(bank, block * ROWS_PER_BLOCK, Math.min((block + 1) * ROWS_PER_BLOCK, count)),
    );
  }

  async nearest(centered: Tensor2D): Promise<Int32Array> {
    const best = this.#search(centered);
    best.values.dispose();
    try {
      return (await best.indices.data()) as Int32Array;
    } finally {
      best.indices.dispose();
    }
  }

  #search(centered: Tensor2D): FirstMaximum {
    let best: FirstMaximum | undefined;
    for (const { start: offset, columns, halfNorms } of this.#blocks) {
      const scores = tf.tidy(() => tf.sub<Tensor2D>(tf.matMul(centered, columns), halfNorms));
      const inBlock = firstMaximum(scores);
      scores.dispose();
      const indices = tf.tidy(() => tf.add<Tensor1D>(inBlock.indices, tf.scalar(offset, 'int32')));
      inBlock.indices.dispose();
      const found = { values: inBlock.values, indices };
      best = best ? better(best, found) : found;
    }
    return best!;
  }

  dispose(): void {
    tf.dispose(this.#blocks.flatMap(({ columns, halfNorms }) => [columns, halfNorms]));
  }
}
