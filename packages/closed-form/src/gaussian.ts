import { DskdError } from '@dskd/base';
import { MomentsAccumulator } from './moments.js';
import { assertRows, assertWidth, type Rows } from './rows.js';
import { symmetricEigen } from './symmetric-eigen.js';

/**
 * A Gaussian by the principal axes of its covariance: some axes with a variance each, and one variance for every direction
 * that is orthogonal to them all.
 */
export interface AxisGaussian {
  /** `width` values. */
  readonly mean: Float64Array | Float32Array;
  /** Orthonormal, `variances.length x width`, row-major. */
  readonly axes: Float64Array | Float32Array;
  /** Along each axis, falling. */
  readonly variances: Float64Array | Float32Array;
  /** Along what is orthogonal to the axes. Without meaning where there are `width` axes. */
  readonly restVariance: number;
}

/** {@link AxisGaussian} whose covariance was shrunk, and the part of the shrinkage, 0..1. */
export interface ShrunkGaussian extends AxisGaussian {
  readonly mean: Float64Array;
  readonly axes: Float64Array;
  readonly variances: Float64Array;
  readonly shrinkage: number;
}

/** Part of the whole variance below which an eigenvalue of float64 sums is rounding. */
const RESOLUTION = 1e-12;

/** Adds `weight` times the values of `source` from `start` on. */
function addScaled(target: Float64Array, weight: number, source: Float64Array, start: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += weight * source[start + i]!;
}

interface Spectrum {
  readonly mean: Float64Array;
  /** Of the covariance with divisor n, falling, above the rounding errors. */
  readonly values: Float64Array;
  readonly axes: Float64Array;
  /** Squared distance of each row to the mean. */
  readonly squares: Float64Array;
}

function centeredRows({ data, count, width }: Rows): { mean: Float64Array; centered: Float64Array } {
  const mean = new Float64Array(width);
  for (let row = 0, i = 0; row < count; row++) {
    for (let column = 0; column < width; column++, i++) mean[column]! += data[i]!;
  }
  for (let column = 0; column < width; column++) mean[column]! /= count;
  const centered = new Float64Array(data.length);
  for (let row = 0, i = 0; row < count; row++) {
    for (let column = 0; column < width; column++, i++) centered[i] = data[i]! - mean[column]!;
  }
  return { mean, centered };
}

/** The dot product of two rows. Four sums run beside each other: one alone waits for each addition. */
function dot(rows: Float64Array, a: number, b: number, width: number): number {
  let [one, two, three, four] = [0, 0, 0, 0];
  const end = width - (width % 4);
  for (let i = 0; i < end; i += 4) {
    one += rows[a + i]! * rows[b + i]!;
    two += rows[a + i + 1]! * rows[b + i + 1]!;
    three += rows[a + i + 2]! * rows[b + i + 2]!;
    four += rows[a + i + 3]! * rows[b + i + 3]!;
  }
  for (let i = end; i < width; i++) one += rows[a + i]! * rows[b + i]!;
  return one + two + (three + four);
}

/** The eigenvalues above the rounding errors. */
function resolved(values: Float64Array, trace: number): Float64Array {
  const end = values.findIndex((value) => !(value > RESOLUTION * trace));
  return end < 0 ? values : values.slice(0, end);
}

/** Eigenvectors of the covariance, through the smaller of the matrices of `count` and of `width` columns. */
function spectrumOf(rows: Rows): Spectrum {
  const { count, width } = rows;
  const { mean, centered } = centeredRows(rows);
  const squares = Float64Array.from({ length: count }, (_, row) =>
    dot(centered, row * width, row * width, width),
  );
  const trace = squares.reduce((sum, value) => sum + value, 0) / count;
  if (count > width) {
    const moments = new MomentsAccumulator(width);
    moments.add(rows);
    const { values: all, vectors } = symmetricEigen(moments.covariance('n'), width);
    const values = resolved(all, trace);
    const axes = new Float64Array(values.length * width);
    for (let i = 0; i < values.length; i++) axes.set(vectors[i]!, i * width);
    return { mean, values, axes, squares };
  }
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      gram[i * count + j] = dot(centered, i * width, j * width, width) / count;
      gram[j * count + i] = gram[i * count + j]!;
    }
  }
  const { values: all, vectors } = symmetricEigen(gram, count);
  const values = resolved(all, trace);
  const axes = new Float64Array(values.length * width);
  for (let k = 0; k < values.length; k++) {
    const scale = 1 / Math.sqrt(values[k]! * count);
    const axis = axes.subarray(k * width, (k + 1) * width);
    for (let row = 0; row < count; row++) addScaled(axis, vectors[k]![row]! * scale, centered, row * width);
  }
  return { mean, values, axes, squares };
}

/**
 * Gaussian whose covariance is shrunk towards a multiple of the identity, by the part that minimizes the expected squared
 * error (Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices"), as
 * `sklearn.covariance.LedoitWolf`. With the covariance S of `n` rows (divisor n), `mu = tr(S) / width`,
 * `delta = |S - mu I|^2` and `beta = min(delta, (sum |x - mean|^4 / n - |S|^2) / n)`, the covariance is
 * `(1 - beta / delta) S + beta / delta mu I`. It is kept by its axes, of which there are at most `min(n - 1, width)`: with
 * few rows of a large width that takes a small part of the time and memory of the whole matrix.
 *
 * Does not yield: time grows with the cube of the smaller of `n` and width.
 *
 * @param rows finite, at least 2; `n` or width up to about 1000.
 * @throws {DskdError} `invalid-argument` for fewer than 2 rows or values that are not finite; `shape-mismatch` where count
 * and width do not fit the data; `numerical-instability` where all rows are equal, or nothing is shrunk and some direction
 * has no variance.
 */
export function ledoitWolf(rows: Rows): ShrunkGaussian {
  return shrunkGaussian(rows);
}

/**
 * {@link ledoitWolf} with a given `shrinkage`, 0..1, as `sklearn.covariance.ShrunkCovariance`: the covariance is
 * `(1 - shrinkage) S + shrinkage mu I`.
 * @throws {DskdError} as {@link ledoitWolf}; `invalid-argument` for a shrinkage that is not in 0..1.
 */
export function shrunkGaussian(rows: Rows, given?: number): ShrunkGaussian {
  assertRows('rows', rows);
  const { count, width } = rows;
  if (given !== undefined && !(given >= 0 && given <= 1)) {
    throw new DskdError('invalid-argument', `Got a shrinkage of ${given}; wanted 0 to 1.`);
  }
  if (count < 2) {
    throw new DskdError('invalid-argument', `Got ${count} row; wanted at least 2 to estimate a covariance.`, {
      hint: 'Fit with more images.',
      details: { got: count },
    });
  }
  const { mean, values, axes, squares } = spectrumOf(rows);
  const mu = squares.reduce((sum, value) => sum + value, 0) / count / width;
  const squaredNorm = values.reduce((sum, value) => sum + value * value, 0);
  const delta = values.reduce((sum, value) => sum + (value - mu) ** 2, (width - values.length) * mu * mu);
  const fourth = squares.reduce((sum, value) => sum + value * value, 0);
  const beta = Math.min(delta, Math.max(0, (fourth / count - squaredNorm) / count));
  // With one column, or a covariance that is a multiple of the identity already, there is nothing to shrink.
  const shrinkage = given ?? (width === 1 || beta === 0 ? 0 : beta / delta);
  const restVariance = shrinkage * mu;
  if (!(mu > 0) || (values.length < width && !(restVariance > 0))) {
    throw new DskdError(
      'numerical-instability',
      `Got ${count} rows of width ${width} with variance in ${values.length} directions and nothing to shrink; ` +
        'wanted variance in every direction.',
      {
        hint: 'Fit with more images, or images that differ.',
        details: { count, width, rank: values.length },
      },
    );
  }
  return {
    mean,
    axes,
    variances: values.map((value) => (1 - shrinkage) * value + restVariance),
    restVariance,
    shrinkage,
  };
}

/**
 * `(x - mean)` of each row, times the symmetric square root of the inverse covariance: the length of the result is the
 * Mahalanobis distance.
 * @param rows finite.
 * @throws {DskdError} as {@link mahalanobis}.
 */
export function whitenedRows(rows: Rows, { mean, axes, variances, restVariance }: AxisGaussian): Rows {
  assertRows('rows', rows);
  const { data, count, width } = rows;
  assertWidth('a mean', mean.length, width);
  assertWidth('axes', variances.length === 0 ? width : axes.length / variances.length, width);
  // All directions have an axis: what is left beside them is rounding.
  const rest = variances.length < width ? 1 / Math.sqrt(restVariance) : 0;
  const result = new Float32Array(data.length);
  const left = new Float64Array(width);
  const sum = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) left[i] = data[row * width + i]! - mean[i]!;
    sum.fill(0);
    for (let k = 0; k < variances.length; k++) {
      const start = k * width;
      let along = 0;
      for (let i = 0; i < width; i++) along += left[i]! * axes[start + i]!;
      const scaled = along / Math.sqrt(variances[k]!);
      for (let i = 0; i < width; i++) {
        left[i]! -= along * axes[start + i]!;
        sum[i]! += scaled * axes[start + i]!;
      }
    }
    for (let i = 0; i < width; i++) result[row * width + i] = sum[i]! + rest * left[i]!;
  }
  return { data: result, count, width };
}

/**
 * Mahalanobis distances (Mahalanobis 1936) of rows to the mean of a Gaussian, in float64.
 * @param rows finite.
 * @returns one distance a row, at least 0 (not squared).
 * @throws {DskdError} `shape-mismatch` where the widths do not agree; `invalid-argument` for rows that are not finite.
 */
export function mahalanobis(rows: Rows, gaussian: AxisGaussian): Float32Array {
  const { data, count, width } = whitenedRows(rows, gaussian);
  const distances = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    let squared = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squared += data[i]! ** 2;
    distances[row] = Math.sqrt(squared);
  }
  return distances;
}
