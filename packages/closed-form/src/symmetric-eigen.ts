import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

export interface SymmetricEigen {
  /** Falling. */
  readonly values: Float64Array;
  /** `vectors[i]` is the unit vector of `values[i]`. */
  readonly vectors: readonly Float64Array[];
}

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix of `width x width`, row-major, in float64. Householder
 * tridiagonalization and implicit QL, by ml-matrix. Does not yield: time grows with the cube of the width.
 */
export function symmetricEigen(matrix: Float64Array, width: number): SymmetricEigen {
  const square = new Matrix(width, width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) square.set(i, j, matrix[i * width + j]!);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(square, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    values: Float64Array.from(order, (i) => realEigenvalues[i]!),
    vectors: order.map((i) => Float64Array.from(eigenvectorMatrix.getColumn(i))),
  };
}
