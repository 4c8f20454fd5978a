import { doJob } from './do-job.js';
import { serveJobs } from './serve-jobs.js';

/**
 * Entry point of the `worker` module of `runBenchmark`: waits for the single job of this process, runs it on the
 * backend that `startBackend` starts, sends the result and ends the process.
 * @param startBackend called once. The name of the backend is the module's first argument (`process.argv[2]`).
 */
export function serveBenchmark(startBackend: () => Promise<unknown>): void {
  serveJobs(async (job, signal) => {
    await startBackend();
    return doJob(job, signal);
  });
}
