import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { firstMaximum, type FirstMaximum } from './first-maximum.js';
import { Pacer } from './pacer.js';
import { assertRows, assertWhole, assertWidth, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

// 16 MB of scores at a time.
const QUERIES_PER_BLOCK = 1024;
const ROWS_PER_BLOCK = 4096;

/** Nearest bank rows of queries, in their order. */
export interface Nearest {
  /** Euclidean, at least 0. */
  readonly distances: Float32Array;
  /** Row of the bank. */
  readonly indices: Int32Array;
}

/** Part of the bank on the backend: centered rows as columns, and half their squared norms. */
interface BankBlock {
  readonly start: number;
  readonly columns: Tensor2D;
  readonly halfNorms: Tensor2D;
}

function meanOf({ data, count, width }: Rows): Float32Array {
  const sums = new Float64Array(width);
  for (let row = 0, i = 0; row < count; row++) {
    for (let column = 0; column < width; column++, i++) sums[column]! += data[i]!;
  }
  return Float32Array.from(sums, (sum) => sum / count);
}

function uploadBlock({ data, width }: Rows, mean: Float32Array, start: number, end: number): BankBlock {
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
 * Rows among which the nearest of a query is searched, by Euclidean distance. The rows stay in memory and, centered by
 * their mean, as tensors on the backend that is current when the bank is made. The one who makes it disposes it.
 *
 * The search is exhaustive. The backend compares `q.b - |b|^2 / 2` in float32, so of rows whose distances differ by
 * less than its rounding errors it may choose either; the distance to the chosen row is exact to float32 all the same,
 * since it is computed again from the difference, in float64. Where the compared numbers are equal, the row of lowest
 * index is chosen.
 */
export class NeighborBank {
  readonly rows: Rows;
  readonly #mean: Float32Array;
  readonly #meanTensor: Tensor1D;
  readonly #blocks: readonly BankBlock[];
  #isDisposed = false;

  /**
   * @param rows finite, at least one. They are not copied: do not change them.
   * @throws {DskdError} `invalid-argument` for values that are not finite or counts below 1; `shape-mismatch` where count
   * and width do not fit the data.
   */
  constructor(rows: Rows) {
    assertRows('bank rows', rows);
    this.rows = rows;
    this.#mean = meanOf(rows);
    this.#meanTensor = tf.keep(tf.tensor1d(this.#mean, 'float32'));
    const starts = Array.from(
      { length: Math.ceil(rows.count / ROWS_PER_BLOCK) },
      (_, i) => i * ROWS_PER_BLOCK,
    );
    this.#blocks = starts.map((start) =>
      uploadBlock(rows, this.#mean, start, Math.min(start + ROWS_PER_BLOCK, rows.count)),
    );
  }

  /**
   * The nearest bank row of each query.
   * @param queries finite float32 `[n, width]`. The caller disposes them, after the promise has settled.
   * @returns distances and indexes, `n` of each.
   * @throws {DskdError} `shape-mismatch` for queries of another width; `invalid-argument` for queries that are not
   * finite; `disposed`.
   */
  async nearest(queries: Tensor2D): Promise<Nearest> {
    this.#assertAlive();
    assertWidth('queries', queries.shape[1], this.rows.width);
    const count = queries.shape[0];
    const distances = new Float32Array(count);
    const indices = new Int32Array(count);
    if (count === 0) return { distances, indices };
    const pacer = new Pacer();
    const values = (await queries.data()) as Float32Array;
    for (let start = 0; start < count; start += QUERIES_PER_BLOCK) {
      const length = Math.min(QUERIES_PER_BLOCK, count - start);
      this.#assertAlive();
      const chosen = this.#search(queries, start, length);
      indices.set(await chosen.data(), start);
      chosen.dispose();
      this.#measure(values, indices, distances, start, start + length);
      if (pacer.isDue) await pacer.pause();
    }
    return { distances, indices };
  }

  /** Indexes of the nearest bank rows, int32. The caller disposes them. */
  #search(queries: Tensor2D, start: number, length: number): Tensor1D {
    const centered = tf.tidy(() => tf.sub(tf.slice(queries, [start, 0], [length, -1]), this.#meanTensor));
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
    centered.dispose();
    best!.values.dispose();
    return best!.indices;
  }

  /** Distances of the queries `from` to `to - 1` to their chosen rows. */
  #measure(
    values: Float32Array,
    indices: Int32Array,
    distances: Float32Array,
    from: number,
    to: number,
  ): void {
    const { data, width } = this.rows;
    for (let query = from; query < to; query++) {
      const squared = squaredDistance(values, query * width, data, indices[query]! * width, width);
      if (!(squared < Infinity)) {
        throw new DskdError(
          'invalid-argument',
          `Got query ${query} with NaN or infinite values; wanted finite numbers.`,
          { hint: 'Look for NaN in the images and in the weights of the network.', details: { query } },
        );
      }
      distances[query] = Math.sqrt(squared);
    }
  }

  /**
   * The nearest bank rows of a bank row, for PatchCore's re-weighting (arXiv:2106.08265, Eq. 7). Distances in float64.
   * @param index of a bank row.
   * @param k how many, at least 1; of a smaller bank, all.
   * @returns indexes: `index` itself, then the others by distance, of equals the lower index first.
   * @throws {DskdError} `invalid-argument` for an index outside the bank or a `k` below 1.
   */
  neighbors(index: number, k: number): Int32Array {
    const { data, count, width } = this.rows;
    assertWhole('the index of a bank row', index, 0);
    assertWhole('the count of neighbors', k);
    if (index >= count) {
      throw new DskdError(
        'invalid-argument',
        `Got bank row ${index}; wanted an index below ${count}, the rows of the bank.`,
        { details: { got: index, count } },
      );
    }
    const wanted = Math.min(k, count);
    // Sorted by distance; the row itself has no rival for the first place.
    const found = [index];
    const squares = [-1];
    for (let row = 0; row < count; row++) {
      if (row === index) continue;
      const bound = found.length < wanted ? Infinity : squares.at(-1)!;
      const squared = squaredDistance(data, row * width, data, index * width, width, bound);
      if (!(squared < bound)) continue;
      if (found.length === wanted) {
        found.pop();
        squares.pop();
      }
      let place = found.length;
      while (squares[place - 1]! > squared) place--;
      found.splice(place, 0, row);
      squares.splice(place, 0, squared);
    }
    return Int32Array.from(found);
  }

  /** Disposes the tensors. `rows` and {@link neighbors} can still be used. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    tf.dispose([this.#meanTensor, ...this.#blocks.flatMap(({ columns, halfNorms }) => [columns, halfNorms])]);
  }

  #assertAlive(): void {
    if (this.#isDisposed) {
      throw new DskdError('disposed', 'The neighbor bank was disposed; wanted one in use.', {
        hint: 'Dispose it after the last search.',
      });
    }
  }
}
