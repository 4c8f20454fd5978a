import { DskdError } from '@dskd/base';
import { assertWhole } from './rows.js';

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
            hint: 'Add a constant to the diagonal, shrink the covariance, or fit with more images.',
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
