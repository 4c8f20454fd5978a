import { setTimeout as pause } from 'node:timers/promises';
import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import type { Execute, Job, JobResult } from '@dskd/benchmark';
import type { Queue } from 'bullmq';
import { openRedis, type OpenedRedis } from './connection.js';
import { CELLS, cellJobId, PREFIX, type CellData } from './names.js';
import { isOwnFault, runWorker, type WorkerOptions } from './run-worker.js';
import type { WorkEvent } from './work.js';

export interface WorkOnCellsOptions extends WorkerOptions {
  /** Runs a job, outside of this thread: `benchmarkProcesses` of `@dskd/benchmark`. */
  readonly execute: (job: Job, signal: AbortSignal) => ReturnType<Execute>;
  readonly onEvent?: (event: WorkEvent) => void;
}

/**
 * Runs the jobs of benchmarks for a queue, one at a time, until the signal is aborted. Data, teachers and results are in folders
 * that all machines see at the same paths.
 * @throws {DskdError} as `work`
 */
export async function workOnCells({ execute, onEvent, ...worker }: WorkOnCellsOptions): Promise<void> {
  // Only here: a worker that scores images starts sooner without.
  const { answerJob } = await import('@dskd/benchmark');
  const failed = (id: string, error: unknown): void => {
    const code = isDskdError(error) ? error.code : 'internal';
    onEvent?.({
      type: 'work-failed',
      id,
      code,
      message: error instanceof Error ? error.message : String(error),
    });
  };
  return runWorker<CellData>(CELLS, worker, {
    async perform({ job }, id, signal) {
      const started = performance.now();
      onEvent?.({ type: 'work-start', id });
      let failure: unknown;
      const recorded = ((each: Job) =>
        execute(each, signal).catch((error: unknown) => {
          failure = error;
          throw error;
        })) as Execute;
      // Its error is the answer, too: the benchmark goes on with other cells.
      const answer = await answerJob(JSON.parse(job) as Job, recorded);
      if (failure !== undefined && (signal.aborted || isOwnFault(failure))) throw failure as Error;
      if (failure === undefined)
        onEvent?.({ type: 'work-end', id, seconds: (performance.now() - started) / 1000 });
      else failed(id, failure);
      return answer;
    },
    onFailed: (_, id, error) => failed(id, error),
    onReturned: (_, id) => onEvent?.({ type: 'work-returned', id }),
    onStalled: (id) => onEvent?.({ type: 'work-stalled', id }),
  });
}

/** A queue that runs the jobs of a benchmark. */
export interface CellQueue {
  /** For `runBenchmark`. */
  readonly execute: Execute;
  /** Workers that are there now. */
  readonly workers: number;
  readonly close: () => Promise<void>;
}

/** Answers stay in Redis for so long after they were given: a benchmark that was killed and started again finds them. */
const KEPT_SECONDS = 3600;
const LOOK_MS = 500;

class Cells implements CellQueue {
  readonly workers: number;
  readonly #queue: Queue;
  readonly #redis: OpenedRedis;
  readonly #signal: AbortSignal | undefined;

  constructor(queue: Queue, redis: OpenedRedis, workers: number, signal: AbortSignal | undefined) {
    this.#queue = queue;
    this.#redis = redis;
    this.workers = workers;
    this.#signal = signal;
  }

  readonly execute = async <J extends Job>(job: J, { urgent = false } = {}): Promise<JobResult<J>> => {
    throwIfAborted(this.#signal);
    const { resultOf } = await import('@dskd/benchmark');
    const text = JSON.stringify(job);
    const id = cellJobId(text);
    const earlier = await this.#queue.getJob(id);
    // What was computed before is in the results, unless they were removed; then it is computed again.
    if (earlier && ['completed', 'failed'].includes(await earlier.getState())) await earlier.remove();
    await this.#queue.add(job.kind, { job: text } satisfies CellData, {
      jobId: id,
      lifo: urgent,
      removeOnComplete: { age: KEPT_SECONDS },
      removeOnFail: { age: KEPT_SECONDS },
    });
    try {
      return resultOf<J>(await this.#answer(id));
    } catch (error) {
      if (this.#signal?.aborted) await this.#takeOut(id);
      throw error;
    }
  };

  /** What a worker has begun is locked, and ends there: its results stay. */
  async #takeOut(id: string): Promise<void> {
    const job = await this.#queue.getJob(id);
    await job?.remove().catch(() => undefined);
  }

  /** Looks again and again: unlike events, which a restart of Redis may swallow, the answer stays. */
  async #answer(id: string): Promise<string> {
    for (;;) {
      throwIfAborted(this.#signal);
      const job = await this.#queue.getJob(id);
      if (!job) throw lost(id, 'It is not in the queue any more.');
      if (typeof job.returnvalue === 'string') return job.returnvalue;
      if (job.finishedOn !== undefined) throw lost(id, job.failedReason);
      await pause(LOOK_MS, undefined, this.#signal && { signal: this.#signal }).catch(() => undefined);
    }
  }

  readonly close = async (): Promise<void> => {
    await this.#queue.close();
    await this.#redis.close();
  };
}

function lost(id: string, reason: string): DskdError {
  return new DskdError('worker-failed', `The job ${id} was not done: ${reason}`, {
    hint: 'Did its workers die, for example without memory? Start again: what is finished stays.',
  });
}

/**
 * Lets the workers of a queue run the jobs of a benchmark.
 * @param redis address: `redis://HOST:PORT`
 * @param signal rejects what is asked for with `aborted`, and takes out of the queue what no worker has begun.
 * @returns its owner calls `close`, when nothing is asked for any more.
 * @throws {DskdError} `queue-unavailable`, `dependency-missing`, `invalid-argument`
 */
export async function cellQueue(redis: string, signal?: AbortSignal): Promise<CellQueue> {
  const opened = await openRedis(redis);
  const queue = new opened.bullmq.Queue(CELLS, { connection: opened.client, prefix: PREFIX });
  return new Cells(queue, opened, await queue.getWorkersCount(), signal);
}
