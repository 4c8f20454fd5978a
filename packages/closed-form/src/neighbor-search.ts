import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Rows } from './rows.js';

/** Of 1024 queries: 16 MB of scores at a time. */
export const ROWS_PER_BLOCK = 4096;

/** Bank rows, and the mean that is subtracted from them and from queries: norms shrink, and rounding errors with them. */
export interface CenteredRows {
  readonly rows: Rows;
  readonly mean: Float32Array;
}

/** One way to find the nearest bank rows of a block of queries. The one who makes it disposes it. */
export interface NeighborSearch {
  /**
   * @param centered queries less the mean, `[n, width]`; the caller disposes them.
   * @param queries their values before that, row-major.
   * @returns `n` indexes of bank rows.
   */
  nearest(centered: Tensor2D, queries: Float32Array): Promise<Int32Array>;
  dispose(): void;
}
