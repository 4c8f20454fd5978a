import type { Job } from '../job.js';
import { plainError } from '../plain-error.js';
import type { AnswerMessage, JobMessage } from './process-pool.js';

/**
 * What the module of a `ProcessPool` calls: waits for the one job of this process, does it, answers and ends the
 * process. Ctrl-C is the pool's to handle; a pool that is gone ends the process, too.
 * @param work does the job, in this process. Its signal says that the pool wants it to end.
 */
export function serveJobs(work: (job: Job, signal: AbortSignal) => Promise<unknown>): void {
  const controller = new AbortController();
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => controller.abort());
  process.on('disconnect', () => process.exit(1));
  process.once('message', (message) => {
    const { job } = message as JobMessage;
    void work(job, controller.signal)
      .then((result): AnswerMessage => ({ result }))
      .catch((error: unknown): AnswerMessage => ({ error: plainError(error) }))
      .then((answer) => process.send!(answer, undefined, {}, () => process.exit(0)));
  });
}
