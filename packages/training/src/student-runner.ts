import type { Objective, Student } from '@dskd/core';
import type { OptimizerOptions } from './create-optimizer.js';
import type { FeatureBatch } from './feature-batch.js';
import type { ParameterGroups } from './parameter-groups.js';
import type { StudentState } from './training-state.js';

/** A student with its objective and the options of its optimizer. */
export interface StudentTask {
  /** Unique within a run. */
  readonly name: string;
  readonly student: Student;
  /** Of each step, and of held-out images. */
  readonly objective: Objective;
  /** Of all parameters, or of each group of them. */
  readonly optimizer: OptimizerOptions | ParameterGroups;
  /** Of an update of a group of parameters, by the group's name; `objective` where it is left out. */
  readonly objectives?: Readonly<Record<string, Objective>>;
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
   * One step of the optimizer, or of each group that is updated in this step.
   * @returns the loss before the update; of several groups that of the first.
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
