import type { Objective, Student } from '@dskd/core';
import type { OptimizerOptions } from './create-optimizer.js';
import type { FeatureBatch } from './feature-batch.js';
import type { StudentState } from './training-state.js';

/** A student with its objective and the options of its optimizer. */
export interface StudentTask {
  /** Unique within a run. */
  readonly name: string;
  readonly student: Student;
  readonly objective: Objective;
  readonly optimizer: OptimizerOptions;
}

/** Epoch and step of a run. */
export interface Position {
  /** Counted from 0. */
  readonly epoch: number;
  /** Number of steps done before this one, over the whole run. */
  readonly step: number;
}

/**
 * Trains one student, in this thread or in another. Calls are made one after another, never two at a time. The
 * caller that created a runner disposes it.
 */
export interface StudentRunner {
  readonly name: string;
  /** Whether the student is trained in another thread. Then features are passed in SharedArrayBuffers. */
  readonly threaded: boolean;
  /**
   * One step of the optimizer.
   * @returns the loss before the update.
   * @throws {DskdError} `numerical-instability` naming student, step and level.
   */
  step(features: FeatureBatch, position: Position): Promise<number>;
  /**
   * One batch of a pass over the training set that sets the running statistics to the average of the batches'
   * statistics so far, as torch.optim.swa_utils.update_bn. Parameters do not change.
   * @param index of the batch within the pass, from 0.
   */
  observeBatchNorm(features: FeatureBatch, index: number): Promise<void>;
  /**
   * @returns the loss of a batch in evaluation mode: batch norm uses its running statistics. Nothing changes.
   */
  evaluate(features: FeatureBatch): Promise<number>;
  /** @throws {DskdError} `numerical-instability` if a parameter or running statistic is not finite. */
  capture(): Promise<StudentState>;
  /** @throws {DskdError} `shape-mismatch` */
  restore(state: StudentState): Promise<void>;
  /** Frees what the runner created itself: moments, threads. Does not dispose the student it was given. */
  dispose(): Promise<void>;
}
