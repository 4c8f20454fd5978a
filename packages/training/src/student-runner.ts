import type { FeatureBatch } from './feature-batch.js';
import type { StudentState } from './student-state.js';

/** Where a run is. */
export interface Position {
  /** From 0. */
  readonly epoch: number;
  /** Steps done before this one, over the whole run. */
  readonly step: number;
}

/**
 * Trains one student, in this thread or elsewhere. Calls are made one after another, never two at a time.
 * Whoever made a runner disposes it.
 */
export interface StudentRunner {
  readonly name: string;
  /** Whether it computes in another thread: then features come in SharedArrayBuffers. */
  readonly threaded: boolean;
  /**
   * One step of the optimizer.
   * @returns the loss before the update.
   * @throws {DskdError} `numerical-instability` naming student, step and level.
   */
  step(features: FeatureBatch, position: Position): Promise<number>;
  /**
   * Batch `index` (from 0) of one pass over the training set: running statistics become the average of
   * the batches' statistics so far, as torch.optim.swa_utils.update_bn. Parameters stay.
   */
  observeBatchNorm(features: FeatureBatch, index: number): Promise<void>;
  /** @throws {DskdError} `numerical-instability` if a parameter or running statistic is not finite. */
  capture(): Promise<StudentState>;
  /** @throws {DskdError} `shape-mismatch` */
  restore(state: StudentState): Promise<void>;
  /** Frees what the runner made itself: moments, threads. Not the student it was given. */
  dispose(): Promise<void>;
}
