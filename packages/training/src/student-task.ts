import type { Objective, Student } from '@dskd/core';
import type { LearningRateSchedule } from './learning-rate.js';

/** torch.optim.Adam's options. */
export interface AdamOptions {
  readonly learningRate: number;
  /** Default 0.5. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** How the rate changes over the run. By default it does not. */
  readonly schedule?: LearningRateSchedule;
}

/** One student, what it is trained on, and how. */
export interface StudentTask {
  /** Unique within a run. */
  readonly name: string;
  readonly student: Student;
  readonly objective: Objective;
  readonly optimizer: AdamOptions;
}
