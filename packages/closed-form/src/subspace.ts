import { MomentsAccumulator } from './moments.js';
import { assertRows, assertWhole, type Rows } from './rows.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** A mean and the directions of largest variance around it. */
export interface Subspace {
  /** `width` values. */
  readonly mean: Float32Array;
  /** Orthonormal, by falling variance. The entry of largest magnitude of each is positive. */
  readonly components: Rows;
  /** Variance along each component, divisor n - 1. */
  readonly variances: Float64Array;
}

/** Turns each component so that its entry of largest magnitude, of equals the first, is positive. In place. */
export function fixSigns({ data, count, width }: Rows): void {
  for (let row = 0; row < count; row++) {
    const component = data.subarray(row * width, (row + 1) * width);
    let largest = 0;
    for (const value of component) if (Math.abs(value) > Math.abs(largest)) largest = value;
    if (largest < 0) for (let i = 0; i < width; i++) component[i] = -component[i]!;
  }
}

/**
 * Principal components of many rows of a small width, by the eigenvectors of their covariance, in float64, as
 * `sklearn.decomposition.PCA`.
 * @param rows finite, width up to about 2000: time grows with its cube. Does not yield.
 * @param components how many are wanted, at least 1. There are fewer where the rank of the centered rows is smaller:
 * none for one row.
 * @throws {DskdError} `invalid-argument` for values that are not finite or counts below 1; `shape-mismatch` where count
 * and width do not fit the data.
 */
export function principalAxes(rows: Rows, components: number): Subspace {
  assertRows('rows', rows);
  assertWhole('the count of components', components);
  const { count, width } = rows;
  const moments = new MomentsAccumulator(width);
  moments.add(rows);
  const mean = Float32Array.from(moments.mean());
  if (count === 1) {
    return {
      mean,
      components: { data: new Float32Array(0), count: 0, width },
      variances: new Float64Array(0),
    };
  }
  const { values, vectors } = symmetricEigen(moments.covariance('n-1'), width);
  const least = values[0]! * Math.max(count, width) * Number.EPSILON;
  const rank = values.findIndex((value) => !(value > least));
  const kept = Math.min(components, count - 1, rank < 0 ? width : rank);
  const axes = { data: new Float32Array(kept * width), count: kept, width };
  for (let i = 0; i < kept; i++) axes.data.set(vectors[i]!, i * width);
  fixSigns(axes);
  return { mean, components: axes, variances: values.slice(0, kept) };
}
