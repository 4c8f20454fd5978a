import { shrunkGaussian, type Rows } from '@dskd/closed-form';
import { rowsOfVectors } from './matrices.js';

/**
 * Rows and the distance to the nearest of them, by a covariance C that is shrunk towards a multiple of the identity. As
 * SINBAD's code has it, vectors are multiplied by the inverse of the covariance, not by the root of that: the squared distance
 * of x and y is `(x - y)^T C^-2 (x - y)`.
 */
export interface WhitenedNeighbors {
  readonly mean: Float32Array;
  /** Orthonormal: all directions in which the rows differ. */
  readonly axes: Rows;
  /** 1 by the variance along each axis, and at the end by that beside all axes. */
  readonly factors: Float32Array;
  /** Coordinates of the rows along the axes, times the factors. */
  readonly known: Rows;
}

interface Coordinates {
  /** Along the axes, times the factors. */
  readonly along: Float64Array;
  /** Squared length of what is beside the axes, times the square of its factor. */
  readonly beside: number;
}

function coordinates(
  vector: Float32Array,
  { mean, axes, factors }: Omit<WhitenedNeighbors, 'known'>,
): Coordinates {
  const { data, count, width } = axes;
  const along = new Float64Array(count);
  const left = Float64Array.from(vector, (value, column) => value - mean[column]!);
  for (let axis = 0; axis < count; axis++) {
    const start = axis * width;
    let sum = 0;
    for (let column = 0; column < width; column++) sum += left[column]! * data[start + column]!;
    for (let column = 0; column < width; column++) left[column]! -= sum * data[start + column]!;
    along[axis] = sum * factors[axis]!;
  }
  return { along, beside: left.reduce((sum, value) => sum + value * value, 0) * factors[count]! ** 2 };
}

/**
 * Learns vectors of the training images, at least two that differ.
 * @param shrinkage of C, 0..1.
 * @param round makes axes and coordinates as a file will hold them.
 * @throws {DskdError} `numerical-instability` for vectors that are all equal.
 */
export function whitenedNeighbors(
  vectors: readonly Float32Array[],
  shrinkage: number,
  round: (name: string, values: Float32Array) => Float32Array,
): WhitenedNeighbors {
  const rows = rowsOfVectors(vectors);
  const { mean, axes, variances, restVariance } = shrunkGaussian(rows, shrinkage);
  const learned = {
    mean: Float32Array.from(mean),
    axes: { data: round('axes', Float32Array.from(axes)), count: variances.length, width: rows.width },
    factors: Float32Array.from([...variances, restVariance], (variance) => 1 / variance),
  };
  const known = rowsOfVectors(vectors.map((vector) => Float32Array.from(coordinates(vector, learned).along)));
  return { ...learned, known: { ...known, data: round('known', known.data) } };
}

function nearest(
  { along, beside }: Coordinates,
  { data, count, width }: Rows,
  except: number | undefined,
): number {
  let least = Infinity;
  for (let row = 0; row < count; row++) {
    if (row === except) continue;
    let sum = beside;
    const start = row * width;
    for (let axis = 0; axis < width && sum < least; axis++) sum += (along[axis]! - data[start + axis]!) ** 2;
    if (sum < least) least = sum;
  }
  return least;
}

/** The squared distance to the nearest row. */
export function nearestDistance(vector: Float32Array, learned: WhitenedNeighbors): number {
  return nearest(coordinates(vector, learned), learned.known, undefined);
}

/** The mean over the learned rows of the squared distance to the nearest other row. */
export function meanNearestDistance({ known }: WhitenedNeighbors): number {
  const { data, count, width } = known;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const along = Float64Array.from(data.subarray(row * width, (row + 1) * width));
    sum += nearest({ along, beside: 0 }, known, row);
  }
  return sum / count;
}
