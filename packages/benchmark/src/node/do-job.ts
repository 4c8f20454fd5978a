import type { Job } from '../job.js';
import { drawPanels } from './draw-panels.js';
import { assertVersions } from './versions.js';
import { estimateCell, evaluateCells, trainCell } from './train-and-evaluate.js';

/** Runs a job on the current backend, in this process. */
export async function doJob(job: Job, signal: AbortSignal): Promise<unknown> {
  await assertVersions(job);
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
