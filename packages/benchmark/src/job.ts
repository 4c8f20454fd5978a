import type { ScoreMetrics } from '@dskd/metrics';
import type { CategoryFacts, Cell } from './cell.js';

/** Students that score the test images together (Eq. 8), or one alone. */
export interface Combination {
  readonly id: string;
  readonly category: string;
  readonly seed: number;
  /** Ids of the cells. */
  readonly cells: readonly string[];
}

/** Trains one student and writes it into the store. */
export interface TrainJob {
  readonly kind: 'train';
  readonly cell: Cell;
  readonly category: CategoryFacts;
  /** Folder of the store. */
  readonly store: string;
}

/** Scores the test images once with every student, and writes what each combination of them is worth. */
export interface EvaluateJob {
  readonly kind: 'evaluate';
  readonly cells: readonly Cell[];
  readonly combinations: readonly Combination[];
  readonly category: CategoryFacts;
  readonly store: string;
}

/** Measures a step of a training like `cell`. */
export interface EstimateJob {
  readonly kind: 'estimate';
  readonly cell: Cell;
  readonly category: CategoryFacts;
}

/** Draws a figure of a category from its trained students. */
export interface PanelJob {
  readonly kind: 'panels';
  readonly cells: readonly Cell[];
  readonly category: CategoryFacts;
  readonly store: string;
  /** The PNG. */
  readonly file: string;
}

/** What is done in a process of its own. Plain JSON. */
export type Job = TrainJob | EvaluateJob | EstimateJob | PanelJob;

/** What a training, and the scoring of its category's test images, costs in one process. */
export interface JobCost {
  readonly seconds: number;
  readonly scoringSeconds: number;
  /** At the peak. */
  readonly bytes: number;
}

/** What a job answers with. */
export interface JobResults {
  readonly train: undefined;
  readonly evaluate: readonly Quality[];
  readonly estimate: JobCost;
  readonly panels: undefined;
}

export type JobResult<J extends Job> = JobResults[J['kind']];

/** Does a job: in a process of its own, or in this one. */
export type Execute = <J extends Job>(
  job: J,
  options?: { readonly urgent?: boolean },
) => Promise<JobResult<J>>;

/** What a combination of students is worth on the test images of its category. */
export type Quality = Pick<
  ScoreMetrics,
  'imageAuroc' | 'imageAurocByDefect' | 'pixelAuroc' | 'auPro' | 'auSpro'
>;

/** A training that is done. */
export interface TrainedCell {
  /** Mean loss of the last epoch. */
  readonly finalLoss: number;
  readonly steps: number;
  readonly seconds: number;
  /** Bytes of the student's file. */
  readonly bytes: number;
}
