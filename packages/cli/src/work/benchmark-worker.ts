import { doJob, serveJobs } from '@dskd/benchmark';
import { startBackend } from '../backend.js';

/** A process of a benchmark: `node benchmark-worker.js BACKEND`, with a job by message. */
serveJobs(async (job, signal) => {
  await startBackend(process.argv[2]!);
  return doJob(job, signal);
});
