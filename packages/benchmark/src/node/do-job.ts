import type { Job } from '../jobs.js';
import { drawPanels } from './draw-panels.js';
import { estimateCell } from './estimate-job.js';
import { evaluateCells } from './evaluate-cells.js';
import { trainCell } from './train-cell.js';

/** Does a job on the current backend, in this process. */
export async function doJob(job: Job, signal: AbortSignal): Promise<unknown> {
  switch (job.kind) {
    case 'train':
      return trainCell(job, signal);
    case 'evaluate':
      return evaluateCells(job, signal);
    case 'estimate':
      return estimateCell(job, signal);
    case 'panels':
      return drawPanels(job, signal);
  }
}
