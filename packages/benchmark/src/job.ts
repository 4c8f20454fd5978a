import type { ScoreMetrics } from '@dskd/metrics';
import type { CategoryFacts, Cell, StudentCell } from './cell.js';

/** Students that score the test images together (Eq. 8), or a single student. */
export interface Combination {
  readonly id: string;
  readonly category: string;
  readonly seed: number;
  /** Ids of its cells. */
  readonly cells: readonly string[];
}

/** Trains one student, or fits one method, and writes it to the store. */
export interface TrainJob {
  readonly kind: 'train';
  readonly cell: Cell;
  readonly category: CategoryFacts;
  /** Folder of the store. */
  readonly store: string;
}

/** Scores the test images once with every student, and writes the metrics of each combination. */
export interface EvaluateJob {
  readonly kind: 'evaluate';
  readonly cells: readonly Cell[];
  readonly combinations: readonly Combination[];
  readonly category: CategoryFacts;
  readonly store: string;
}

/** Measures the cost of training `cell`, from one step. */
export interface EstimateJob {
  readonly kind: 'estimate';
  readonly cell: Cell;
  readonly category: CategoryFacts;
}

/** Draws a figure of a category from its trained students. */
export interface PanelJob {
  readonly kind: 'panels';
  readonly cells: readonly StudentCell[];
  readonly category: CategoryFacts;
  readonly store: string;
  /** Path of the PNG. */
  readonly file: string;
}

/** A task for a separate process. Plain JSON. */
export type Job = TrainJob | EvaluateJob | EstimateJob | PanelJob;

/** Cost of a training, and of scoring its category's test images, in one process. */
export interface JobCost {
  /** Null for a method without steps, whose fit is not measured: seconds to minutes. */
  readonly seconds: number | null;
  readonly scoringSeconds: number;
  /** Peak memory. */
  readonly bytes: number;
}

/** Result of each kind of job. */
export interface JobResults {
  readonly train: undefined;
  readonly evaluate: readonly Quality[];
  readonly estimate: JobCost;
  readonly panels: undefined;
}

export type JobResult<J extends Job> = JobResults[J['kind']];

/** Runs a job, in a separate process or in this one. */
export type Execute = <J extends Job>(
  job: J,
  options?: { readonly urgent?: boolean },
) => Promise<JobResult<J>>;

/** Metrics of a combination of students on the test images of its category. */
export type Quality = Pick<
  ScoreMetrics,
  'imageAuroc' | 'imageAurocByDefect' | 'pixelAuroc' | 'auPro' | 'auSpro'
>;

/** Record of a finished training. */
export interface TrainedCell {
  /** Mean loss of the last epoch, of a student. */
  readonly finalLoss?: number;
  /** 0 for a method in closed form. */
  readonly steps: number;
  readonly seconds: number;
  /** Size of the file in bytes, without the teacher. */
  readonly bytes: number;
}
