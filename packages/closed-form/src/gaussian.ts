import { DskdError } from '@dskd/base';
import { MomentsAccumulator } from './moments.js';
import { assertRows, assertWhole, assertWidth, type Rows } from './rows.js';

/** Mean, shrunk covariance (`width x width`, row-major) and the part of the shrinkage, 0..1. */
export interface ShrunkGaussian {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
  readonly shrinkage: number;
}

/**
 * Gaussian whose covariance is shrunk towards a multiple of the identity, by the part that minimizes the expected squared
 * error (Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices"), as
 * `sklearn.covariance.LedoitWolf`. With the covariance S of `n` rows (divisor n), `mu = tr(S) / width`,
 * `delta = |S - mu I|^2` and `beta = min(delta, (sum |x - mean|^4 / n - |S|^2) / n)`, the result is
 * `(1 - beta / delta) S + beta / delta mu I`. It is invertible with fewer rows than columns too, unless all rows are equal.
 *
 * @param rows finite, at least 2.
 * @throws {DskdError} `invalid-argument` for fewer than 2 rows or values that are not finite; `shape-mismatch` where count
 * and width do not fit the data.
 */
export function ledoitWolf(rows: Rows): ShrunkGaussian {
  assertRows('rows', rows);
  const { data, count, width } = rows;
  if (count < 2) {
    throw new DskdError('invalid-argument', `Got ${count} row; wanted at least 2 to estimate a covariance.`, {
      hint: 'Fit with more images.',
      details: { got: count },
    });
  }
  const moments = new MomentsAccumulator(width);
  moments.add(rows);
  const mean = moments.mean();
  const covariance = moments.covariance('n');
  let fourth = 0;
  for (let row = 0, i = 0; row < count; row++) {
    let squared = 0;
    for (let column = 0; column < width; column++, i++) squared += (data[i]! - mean[column]!) ** 2;
    fourth += squared * squared;
  }
  let trace = 0;
  for (let i = 0; i < width; i++) trace += covariance[i * (width + 1)]!;
  const mu = trace / width;
  let squares = 0;
  let delta = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const value = covariance[i * width + j]!;
      squares += value * value;
      delta += (i === j ? value - mu : value) ** 2;
    }
  }
  const beta = Math.min(delta, Math.max(0, (fourth / count - squares) / count));
  // With one column, or a covariance that is a multiple of the identity already, there is nothing to shrink.
  const shrinkage = width === 1 || beta === 0 ? 0 : beta / delta;
  for (let i = 0; i < covariance.length; i++) covariance[i]! *= 1 - shrinkage;
  for (let i = 0; i < width; i++) covariance[i * (width + 1)]! += shrinkage * mu;
  return { mean, covariance, shrinkage };
}

function assertSquare(name: string, matrix: ArrayLike<number>, width: number): void {
  assertWhole('the width', width);
  if (matrix.length !== width * width) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${matrix.length} values for the ${name}; wanted ${width} x ${width}.`,
      { details: { got: matrix.length, width } },
    );
  }
}

/**
 * Lower Cholesky factor L of a symmetric positive definite matrix A = L L^T, in float64.
 * @param matrix `width x width`, row-major; only the diagonal and what is below it is read.
 * @returns `width x width`, row-major, 0 above the diagonal.
 * @throws {DskdError} `numerical-instability` where a pivot is not above the rounding errors of its sum, that is, where
 * the matrix is not positive definite in float64; `shape-mismatch` for another number of values.
 */
export function cholesky(matrix: Float64Array, width: number): Float64Array {
  assertSquare('matrix', matrix, width);
  const lower = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * width + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * width + k]! * lower[j * width + k]!;
      if (j < i) {
        lower[i * width + j] = sum / lower[j * width + j]!;
        continue;
      }
      const least = matrix[i * (width + 1)]! * width * Number.EPSILON;
      if (!(sum > Math.max(0, least) && sum < Infinity)) {
        throw new DskdError(
          'numerical-instability',
          `Got a matrix whose pivot ${i} of ${width} is ${sum}; wanted a positive definite matrix.`,
          {
            hint: 'Add a constant to the diagonal, shrink the covariance (ledoitWolf), or fit with more images.',
            details: { pivot: i, got: Number.isFinite(sum) ? sum : String(sum), width },
          },
        );
      }
      lower[i * width + i] = Math.sqrt(sum);
    }
  }
  return lower;
}

/**
 * Inverse W of the lower Cholesky factor of a covariance S, so that W S W^T = I: the Euclidean length of `W (x - mean)` is
 * the Mahalanobis distance of `x`.
 * @param covariance symmetric positive definite, `width x width`, row-major.
 * @returns `width x width`, row-major, 0 above the diagonal.
 * @throws {DskdError} as {@link cholesky}.
 */
export function whitening(covariance: Float64Array, width: number): Float64Array {
  const lower = cholesky(covariance, width);
  const inverse = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const row = inverse.subarray(i * width, i * width + i + 1);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = lower[i * width + k]!;
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++) row[j]! -= factor * inverse[k * width + j]!;
    }
    const pivot = lower[i * (width + 1)]!;
    for (let j = 0; j <= i; j++) row[j]! /= pivot;
  }
  return inverse;
}

/**
 * Mahalanobis distances (Mahalanobis 1936): the length of `whitening (x - mean)` of each row, summed in float64.
 * @param rows finite.
 * @param mean `width` values.
 * @param whitening `width x width`, row-major, as {@link whitening} returns it; it need not be triangular.
 * @returns one distance a row, at least 0 (not squared).
 * @throws {DskdError} `shape-mismatch` where the sizes do not agree; `invalid-argument` for rows that are not finite.
 */
export function mahalanobis(
  rows: Rows,
  mean: Float64Array | Float32Array,
  whitening: Float64Array | Float32Array,
): Float32Array {
  assertRows('rows', rows);
  const { data, count, width } = rows;
  assertWidth('a mean', mean.length, width);
  assertSquare('whitening', whitening, width);
  // Half of a triangular matrix is zeros.
  const ends = Int32Array.from({ length: width }, (_, i) => {
    let end = width;
    while (end > 0 && whitening[i * width + end - 1] === 0) end--;
    return end;
  });
  const centered = new Float64Array(width);
  const distances = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) centered[i] = data[row * width + i]! - mean[i]!;
    let squared = 0;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      const offset = i * width;
      for (let j = 0; j < ends[i]!; j++) sum += whitening[offset + j]! * centered[j]!;
      squared += sum * sum;
    }
    distances[row] = Math.sqrt(squared);
  }
  return distances;
}
