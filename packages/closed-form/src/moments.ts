import { DskdError } from '@dskd/base';
import { assertRows, assertWhole, assertWidth, type Rows } from './rows.js';

/** Rows at a time: their centered values stay in the cache. */
const BLOCK = 64;

/**
 * Mean and covariance of rows that come in parts, in float64. Each part is centered by its own mean and merged by the
 * pairwise update of Chan, Golub and LeVeque (1983, "Algorithms for computing the sample variance"), which loses no
 * digits where the mean is large beside the deviations.
 */
export class MomentsAccumulator {
  readonly #width: number;
  readonly #mean: Float64Array;
  /** Sum of outer products of centered rows; only the diagonal and what is right of it. */
  readonly #scatter: Float64Array;
  #count = 0;

  /**
   * @param width of the rows, at least 1. Takes `8 width^2` bytes.
   * @throws {DskdError} `invalid-argument`
   */
  constructor(width: number) {
    assertWhole('the width', width);
    this.#width = width;
    this.#mean = new Float64Array(width);
    this.#scatter = new Float64Array(width * width);
  }

  /** Rows added so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds rows. They are not kept.
   * @throws {DskdError} `shape-mismatch` for rows of another width; `invalid-argument` for values that are not finite.
   * After an error nothing has been added.
   */
  add(rows: Rows): void {
    assertRows('rows', rows);
    assertWidth('rows', rows.width, this.#width);
    for (let from = 0; from < rows.count; from += BLOCK) {
      this.#addBlock(rows.data, from, Math.min(BLOCK, rows.count - from));
    }
  }

  #addBlock(data: Float32Array, from: number, count: number): void {
    const width = this.#width;
    const mean = new Float64Array(width);
    const start = from * width;
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < width; i++) mean[i]! += data[start + row * width + i]!;
    }
    for (let i = 0; i < width; i++) mean[i]! /= count;
    // A multiple of four rows, the last ones 0, and one more for the shift of the mean.
    const padded = 4 * Math.ceil((count + 1) / 4);
    const centered = new Float64Array(padded * width);
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < width; i++) {
        centered[row * width + i] = data[start + row * width + i]! - mean[i]!;
      }
    }
    const total = this.#count + count;
    const weight = Math.sqrt((this.#count * count) / total);
    for (let i = 0; i < width; i++) {
      const shift = mean[i]! - this.#mean[i]!;
      centered[count * width + i] = shift * weight;
      this.#mean[i]! += (shift * count) / total;
    }
    this.#count = total;
    for (let row = 0; row < padded; row += 4) this.#addProducts(centered, row * width);
  }

  /** Adds the outer products of the four rows of `centered` from `offset` on. */
  #addProducts(centered: Float64Array, offset: number): void {
    const width = this.#width;
    const scatter = this.#scatter;
    const [one, two, three] = [offset + width, offset + 2 * width, offset + 3 * width];
    for (let i = 0; i < width; i++) {
      const a = centered[offset + i]!;
      const b = centered[one + i]!;
      const c = centered[two + i]!;
      const d = centered[three + i]!;
      const target = i * width;
      for (let j = i; j < width; j++) {
        scatter[target + j]! +=
          a * centered[offset + j]! +
          b * centered[one + j]! +
          (c * centered[two + j]! + d * centered[three + j]!);
      }
    }
  }

  /**
   * A new array of `width` means.
   * @throws {DskdError} `invalid-argument` before the first row.
   */
  mean(): Float64Array {
    this.#assertCount(1);
    return this.#mean.slice();
  }

  /**
   * A new array of `width x width`, row-major, symmetric.
   * @param divisor 'n' for the covariance of these rows, 'n-1' for the unbiased estimate.
   * @throws {DskdError} `invalid-argument` before the first row, or the second for 'n-1'.
   */
  covariance(divisor: 'n' | 'n-1'): Float64Array {
    this.#assertCount(divisor === 'n' ? 1 : 2);
    const width = this.#width;
    const covariance = new Float64Array(width * width);
    const divideBy = divisor === 'n' ? this.#count : this.#count - 1;
    for (let i = 0; i < width; i++) {
      for (let j = i; j < width; j++) {
        const value = this.#scatter[i * width + j]! / divideBy;
        covariance[i * width + j] = value;
        covariance[j * width + i] = value;
      }
    }
    return covariance;
  }

  #assertCount(least: number): void {
    if (this.#count < least) {
      throw new DskdError('invalid-argument', `Got ${this.#count} rows; wanted at least ${least}.`, {
        hint: 'Add rows first.',
        details: { got: this.#count, least },
      });
    }
  }
}
