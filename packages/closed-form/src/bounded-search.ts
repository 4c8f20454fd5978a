import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { heapView } from './heap-view.js';
import { ROWS_PER_BLOCK, type CenteredRows, type NeighborSearch } from './neighbor-search.js';
import { spacedRows } from './rows.js';
import { squaredDistance } from './squared-distance.js';

/** Directions in which distances are computed in full. */
const AXES = 48;
/** Below this width the saving is too small. */
const LEAST_WIDTH = 128;
/** Part of the bank's variance that the axes must hold: with less, many rows pass the bound. */
const LEAST_SHARE = 0.8;
/** Few, so that their scores stay in the processor's cache. */
const QUERIES_AT_ONCE = 256;
/** Scores of which only the largest is looked at first. */
const CHUNK = 32;
/** Rows that the axes are computed from; of more, so many at equal intervals. */
const SAMPLE = 2048;
/** Passes of the subspace iteration. */
const PASSES = 2;
/** Relative rounding error of float32 products of `AXES + 2` terms, with room to spare. */
const ROUNDING = 1e-5;

/** `value - mean` as the backend computes it. */
function centeredValue(values: Float32Array, at: number, mean: Float32Array, column: number): number {
  return Math.fround(values[at]! - mean[column]!);
}

/**
 * Makes the columns of a `[height, AXES]` matrix orthonormal: Gram-Schmidt in float64, as often as `passes` says. Plain loops: this
 * runs where a detector has just been loaded, before any of it is compiled.
 * @returns a new matrix of the same shape.
 */
function orthonormalColumns(matrix: Float32Array, height: number, passes: number): Float32Array {
  // One after another in memory, because each is read many times.
  const columns = new Float64Array(AXES * height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < AXES; column++, at++) columns[column * height + row] = matrix[at]!;
  }
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let row = 0; row < height; row++) sum += columns[a + row]! * columns[b + row]!;
    return sum;
  };
  for (let own = 0; own < columns.length; own += height) {
    for (let pass = 0; pass < passes; pass++) {
      for (let before = 0; before < own; before += height) {
        const part = dot(own, before);
        for (let row = 0; row < height; row++) columns[own + row]! -= part * columns[before + row]!;
      }
    }
    const length = Math.sqrt(dot(own, own));
    // A direction that the rows do not have is left out: zeros.
    const scale = length > 1e-12 ? 1 / length : 0;
    for (let row = 0; row < height; row++) columns[own + row]! *= scale;
  }
  const result = new Float32Array(matrix.length);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < AXES; column++, at++) result[at] = columns[column * height + row]!;
  }
  return result;
}

/**
 * Random signs, the same in every run: a start as good as normal numbers, which take longer to draw than all else here when a
 * detector has just been loaded.
 */
function randomSigns(length: number): Float32Array {
  const signs = new Float32Array(length);
  for (let at = 0; at < length; at++) {
    const mixed = Math.imul(at ^ (at >>> 15), 0x85ebca6b);
    signs[at] = (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) & 0x10000) === 0 ? 1 : -1;
  }
  return signs;
}

/**
 * Orthonormal directions that hold most of the bank's variance, `[width, AXES]`, and which part of it they hold: subspace
 * iteration from a random start (Halko, Martinsson and Tropp 2011, arXiv:0909.4061, Algorithm 4.4).
 */
async function principalDirections({
  rows,
  mean,
}: CenteredRows): Promise<{ axes: Float32Array; share: number }> {
  const { data, count, width } = spacedRows(rows, SAMPLE);
  let axes = randomSigns(width * AXES);
  const matrix = tf.tidy(() => tf.sub<Tensor2D>(tf.tensor2d(data, [count, width]), mean));
  try {
    for (let pass = 0; pass < PASSES; pass++) {
      const product = tf.tidy(() =>
        tf.matMul(tf.transpose(matrix), tf.matMul(matrix, tf.tensor2d(axes, [width, AXES]))),
      );
      // Only the last must be orthogonal to rounding: the bounds rest on it.
      axes = orthonormalColumns((await product.data()) as Float32Array, width, pass + 1 < PASSES ? 1 : 2);
      product.dispose();
    }
    const sums = tf.tidy(() => {
      const along = tf.matMul(matrix, tf.tensor2d(axes, [width, AXES]));
      return tf.stack([tf.sum(tf.square(along)), tf.sum(tf.square(matrix))]);
    });
    const [held, total] = await sums.data();
    sums.dispose();
    return { axes, share: total! > 0 ? held! / total! : 1 };
  } finally {
    matrix.dispose();
  }
}

/** The largest value of `from` to `to - 1`; NaN where one is. */
function largestOf(values: Float32Array, from: number, to: number): number {
  let [first, second] = [values[from]!, values[from]!];
  // Two at a time: comparisons that do not wait for each other.
  for (let i = from + 1; i < to; i += 2) {
    first = Math.max(first, values[i]!);
    if (i + 1 < to) second = Math.max(second, values[i + 1]!);
  }
  return Math.max(first, second);
}

interface BankBlock {
  readonly start: number;
  readonly count: number;
  /** `[AXES + 2, count]` */
  readonly columns: Tensor2D;
}

/**
 * Finds the exact nearest rows without computing most distances. In the directions of {@link principalDirections} the
 * product `q.b` is computed by the backend; of what is left of both, only the lengths are kept, whose product is the
 * largest that theirs can be (Cauchy-Schwarz). This gives a lower bound of each distance. The row with the lowest is
 * measured, in float64; then all rows whose bound is below that distance are. On features of networks these are two or
 * three of a thousand. Of equally near rows the one of lowest index is found.
 */
export class BoundedSearch implements NeighborSearch {
  readonly #bank: CenteredRows;
  readonly #axes: Tensor2D;
  readonly #blocks: BankBlock[] = [];
  #largestNorm = 0;
  /** Of the scores of one query. */
  readonly #largestOfChunks = new Float32Array(Math.ceil(ROWS_PER_BLOCK / CHUNK));

  /**
   * @returns null where the rows are too narrow, or vary in too many directions, for the bound to be of use.
   */
  static async make(bank: CenteredRows): Promise<BoundedSearch | null> {
    if (bank.rows.width < LEAST_WIDTH) return null;
    const { axes, share } = await principalDirections(bank);
    if (!(share >= LEAST_SHARE)) return null;
    const search = new BoundedSearch(bank, axes);
    await search.#upload();
    return search;
  }

  private constructor(bank: CenteredRows, axes: Float32Array) {
    this.#bank = bank;
    this.#axes = tf.keep(tf.tensor2d(axes, [bank.rows.width, AXES]));
  }

  async #upload(): Promise<void> {
    const { rows, mean } = this.#bank;
    const { data, width } = rows;
    for (let start = 0; start < rows.count; start += ROWS_PER_BLOCK) {
      const count = Math.min(ROWS_PER_BLOCK, rows.count - start);
      const values = data.subarray(start * width, (start + count) * width);
      const centered = tf.tidy(() => tf.sub<Tensor2D>(tf.tensor2d(values, [count, width]), mean));
      const { extended, norms } = await this.#extend(centered, values, (norm) => -norm / 2);
      centered.dispose();
      for (const norm of norms) this.#largestNorm = Math.max(this.#largestNorm, norm);
      const columns = tf.tidy(() => tf.keep(tf.transpose(extended)));
      extended.dispose();
      this.#blocks.push({ start, count, columns });
    }
  }

  /**
   * Vectors along the axes, the length of what is left, and one more number, `[n, AXES + 2]`.
   * @param last from the squared length of the vector.
   */
  async #extend(
    centered: Tensor2D,
    values: Float32Array,
    last: (norm: number) => number,
  ): Promise<{ extended: Tensor2D; norms: Float64Array }> {
    const { mean, rows } = this.#bank;
    const count = centered.shape[0];
    const product = tf.matMul<Tensor2D>(centered, this.#axes);
    const along = heapView(product) ?? ((await product.data()) as Float32Array);
    const result = new Float32Array(count * (AXES + 2));
    const norms = new Float64Array(count);
    for (let i = 0, at = 0; i < count; i++) {
      let norm = 0;
      for (let column = 0; column < rows.width; column++, at++)
        norm += centeredValue(values, at, mean, column) ** 2;
      let held = 0;
      for (let axis = 0; axis < AXES; axis++) {
        const value = along[i * AXES + axis]!;
        result[i * (AXES + 2) + axis] = value;
        held += value * value;
      }
      // Rather too long than too short: the bound must not exceed the distance.
      result[i * (AXES + 2) + AXES] = Math.sqrt(Math.max(0, norm - held) + 1e-6 * norm);
      result[i * (AXES + 2) + AXES + 1] = last(norm);
      norms[i] = norm;
    }
    product.dispose();
    return { extended: tf.tensor2d(result, [count, AXES + 2]), norms };
  }

  async nearest(centered: Tensor2D, queries: Float32Array): Promise<Int32Array> {
    const count = centered.shape[0];
    const { extended, norms } = await this.#extend(centered, queries, () => 1);
    const indices = new Int32Array(count);
    const squares = new Float64Array(count).fill(Infinity);
    try {
      for (const { start, count: rows, columns } of this.#blocks) {
        for (let from = 0; from < count; from += QUERIES_AT_ONCE) {
          const length = Math.min(QUERIES_AT_ONCE, count - from);
          const product = tf.tidy(() =>
            tf.matMul<Tensor2D>(tf.slice(extended, [from, 0], [length, -1]), columns),
          );
          const scores = heapView(product) ?? ((await product.data()) as Float32Array);
          for (let query = from; query < from + length; query++) {
            const own = scores.subarray((query - from) * rows, (query - from + 1) * rows);
            this.#searchBlock({ query, queries, norm: norms[query]!, scores: own, start }, indices, squares);
          }
          product.dispose();
        }
      }
    } finally {
      extended.dispose();
    }
    return indices;
  }

  /** Measures the rows of a block that may be nearer than the nearest so far. */
  #searchBlock(
    {
      query,
      queries,
      norm,
      scores,
      start,
    }: { query: number; queries: Float32Array; norm: number; scores: Float32Array; start: number },
    indices: Int32Array,
    squares: Float64Array,
  ): void {
    const { data, width } = this.#bank.rows;
    const measure = (row: number, bound: number): number =>
      squaredDistance(queries, query * width, data, (start + row) * width, width, bound);
    const largest = this.#largestOfChunks;
    let chunk = 0;
    for (let from = 0, at = 0; from < scores.length; from += CHUNK, at++) {
      largest[at] = largestOf(scores, from, Math.min(from + CHUNK, scores.length));
      if (largest[at]! > largest[chunk]!) chunk = at;
    }
    let first = chunk * CHUNK;
    while (scores[first]! < largest[chunk]!) first++;
    let best = squares[query]!;
    let index = indices[query]!;
    const take = (row: number, square: number): void => {
      best = square;
      index = start + row;
    };
    const nearest = measure(first, best);
    if (nearest < best) take(first, nearest);
    // A score is at least (|q|^2 - d^2) / 2, where d is the distance, less what rounding takes.
    const slack = ROUNDING * (norm + this.#largestNorm);
    for (let from = 0, at = 0; from < scores.length; from += CHUNK, at++) {
      if (largest[at]! < (norm - best) / 2 - slack) continue;
      for (let row = from; row < Math.min(from + CHUNK, scores.length); row++) {
        if (scores[row]! < (norm - best) / 2 - slack || row === first) continue;
        // Of equally near rows the first: only one that comes before the best so far may be as far as that.
        const isBefore = start + row < index;
        const square = measure(row, isBefore ? Infinity : best);
        if (square < best || (isBefore && square === best)) take(row, square);
      }
    }
    squares[query] = best;
    indices[query] = index;
  }

  dispose(): void {
    tf.dispose([this.#axes, ...this.#blocks.map(({ columns }) => columns)]);
  }
}
