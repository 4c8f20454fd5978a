import { setTimeout as sleep } from 'node:timers/promises';
import { DskdError } from '@dskd/base';
import type { Job } from '../job.js';
import { BEHAVIOR } from './behavior.test.util.js';
import { CellStore } from './cell-store.js';
import { serveJobs } from './serve-jobs.js';

/** Duration of a fake training: the second argument of the process. */
const TRAINING_MS = Number(process.argv[3] ?? 100);

async function work(job: Job, signal: AbortSignal): Promise<unknown> {
  if (job.kind === 'evaluate') {
    const store = new CellStore(job.store);
    const quality = { imageAuroc: 1, imageAurocByDefect: {}, pixelAuroc: 1, auPro: null, auSpro: {} };
    for (const combination of job.combinations) await store.finishEvaluation(combination, quality);
    return job.combinations.map(() => quality);
  }
  if (job.kind === 'estimate') return { seconds: 1, scoringSeconds: 1, bytes: process.pid };
  if (job.kind === 'panels') return undefined;
  switch (job.cell.facts.seed) {
    case BEHAVIOR.throws:
      throw new DskdError('out-of-memory', 'No room for the student.', { hint: 'Take a smaller one.' });
    case BEHAVIOR.dies:
      process.stderr.write('FATAL ERROR: heap out of memory\n');
      return process.abort();
    case BEHAVIOR.hangs:
      await sleep(3_600_000, undefined, { signal });
      break;
    case BEHAVIOR.deaf:
      await sleep(3_600_000);
      break;
    default:
      await sleep(TRAINING_MS);
  }
  const result = { finalLoss: 0.1, steps: 1, seconds: 1, bytes: 1 };
  await new CellStore(job.store).finishTraining(job.cell, result);
  return undefined;
}

serveJobs(work);
