import type { TensorInfo } from '@tensorflow/tfjs-core';

/** Longer float32 sums are split, because the error of a sequential sum grows with its length. */
export const LONGEST_SUM = 4096;

/** A `rows` x `columns` matrix stored row by row in `info` from element `start` on. */
export interface StoredMatrix {
  readonly info: TensorInfo;
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether the product uses the transpose of the stored matrix. */
  readonly transposed: boolean;
}
