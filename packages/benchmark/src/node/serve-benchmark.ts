import { doJob } from './do-job.js';
import { serveJobs } from './serve-jobs.js';

/**
 * What the `worker` module of `runBenchmark` calls: waits for the one job of this process, does it on the backend that
 * `startBackend` starts, answers and ends the process.
 * @param startBackend called once. The name of the backend is the module's first argument (`process.argv[2]`).
 */
export function serveBenchmark(startBackend: () => Promise<unknown>): void {
  serveJobs(async (job, signal) => {
    await startBackend();
    return doJob(job, signal);
  });
}
