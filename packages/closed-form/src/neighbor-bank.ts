import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { BoundedSearch } from './bounded-search.js';
import { ExhaustiveSearch } from './exhaustive-search.js';
import type { NeighborSearch } from './neighbor-search.js';
import { Pacer } from './pacer.js';
import { assertRows, assertWhole, assertWidth, type Rows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

const QUERIES_PER_BLOCK = 1024;
/** Backends whose tensors are in the memory of this process: reading scores back costs little. */
const READS_CHEAPLY: ReadonlySet<string> = new Set(['cpu', 'wasm']);

/** Nearest bank rows of queries, in their order. */
export interface Nearest {
  /** Euclidean, at least 0. */
  readonly distances: Float32Array;
  /** Row of the bank. */
  readonly indices: Int32Array;
}

function meanOf({ data, count, width }: Rows): Float32Array {
  const sums = new Float64Array(width);
  for (let row = 0, i = 0; row < count; row++) {
    for (let column = 0; column < width; column++, i++) sums[column]! += data[i]!;
  }
  return Float32Array.from(sums, (sum) => sum / count);
}

/**
 * Rows among which the nearest of a query is searched, by Euclidean distance. The rows stay in memory and, centered by
 * their mean, as tensors on the backend that is current at the first search. The one who makes it disposes it.
 *
 * No row is left out. Where a bound of the distances saves work (wide rows on wasm and cpu), the nearest row is found by
 * distances in float64. Else the backend compares `q.b - |b|^2 / 2` in float32, so of rows whose distances differ by
 * less than its rounding errors it may choose either. The distance to the chosen row is exact to float32 in both cases,
 * since it is computed from the difference, in float64. Of equally near rows the one of lowest index is chosen.
 */
export class NeighborBank {
  readonly rows: Rows;
  readonly #mean: Float32Array;
  readonly #meanTensor: Tensor1D;
  #search: NeighborSearch | undefined;
  #preparing: Promise<NeighborSearch> | undefined;
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
    const search = await this.#prepared();
    for (let start = 0; start < count; start += QUERIES_PER_BLOCK) {
      const length = Math.min(QUERIES_PER_BLOCK, count - start);
      this.#assertAlive();
      const { width } = this.rows;
      const block = values.subarray(start * width, (start + length) * width);
      const centered = tf.tidy(() =>
        tf.sub<Tensor2D>(tf.slice(queries, [start, 0], [length, -1]), this.#meanTensor),
      );
      try {
        indices.set(await search.nearest(centered, block), start);
      } finally {
        centered.dispose();
      }
      this.#measure(values, indices, distances, start, start + length);
      if (pacer.isDue) await pacer.pause();
    }
    return { distances, indices };
  }

  /**
   * The rows as tensors, for a search by tensor operations alone: the nearest row of a centered vector `v` has the largest
   * `v.row - halfNorm`.
   * @returns `mean` `[width]`, which centers vectors; `rows` `[count, width]`, centered; `halfNorms` `[count]`, half their
   * squared lengths. The caller disposes them.
   * @throws {DskdError} `disposed`
   */
  tensors(): { readonly mean: Tensor1D; readonly rows: Tensor2D; readonly halfNorms: Tensor1D } {
    this.#assertAlive();
    const { data, count, width } = this.rows;
    const centered = data.map((value, at) => value - this.#mean[at % width]!);
    const halfNorms = new Float32Array(count);
    for (let row = 0; row < count; row++) {
      let norm = 0;
      for (let at = row * width; at < (row + 1) * width; at++) norm += centered[at]! ** 2;
      halfNorms[row] = norm / 2;
    }
    return {
      mean: tf.tensor1d(this.#mean, 'float32'),
      rows: tf.tensor2d(centered, [count, width], 'float32'),
      halfNorms: tf.tensor1d(halfNorms, 'float32'),
    };
  }

  /** The way to search that suits rows and backend, made at the first search. */
  async #prepared(): Promise<NeighborSearch> {
    this.#preparing ??= this.#prepare();
    const search = await this.#preparing;
    this.#assertAlive();
    return search;
  }

  async #prepare(): Promise<NeighborSearch> {
    const bank = { rows: this.rows, mean: this.#mean };
    const bounded = READS_CHEAPLY.has(tf.getBackend()) ? await BoundedSearch.make(bank) : null;
    this.#search = bounded ?? new ExhaustiveSearch(bank);
    if (this.#isDisposed) this.#search.dispose();
    return this.#search;
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
    this.#meanTensor.dispose();
    this.#search?.dispose();
  }

  #assertAlive(): void {
    if (this.#isDisposed) {
      throw new DskdError('disposed', 'The neighbor bank was disposed; wanted one in use.', {
        hint: 'Dispose it after the last search.',
      });
    }
  }
}
