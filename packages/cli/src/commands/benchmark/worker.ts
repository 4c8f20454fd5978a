import { doJob, serveJobs } from '@dskd/benchmark';
import { startBackend } from '../../models.js';

/** A worker process of a benchmark: `node worker.js BACKEND`. It receives jobs as messages. */
serveJobs(async (job, signal) => {
  await startBackend(process.argv[2]!);
  return doJob(job, signal);
});
