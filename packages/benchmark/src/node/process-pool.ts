import { fork } from 'node:child_process';
import { DskdError, throwIfAborted } from '@dskd/base';
import type { Execute, Job, JobResult } from '../job.js';
import { fromPlain, type PlainError } from '../plain-error.js';

/** Message from the pool to its process. */
export interface JobMessage {
  readonly job: Job;
}

/** Message from a process to its pool, sent once before the process ends. */
export type AnswerMessage = { readonly result: unknown } | { readonly error: PlainError };

export interface ProcessPoolOptions {
  /** Module that each process runs; it must call `serveJobs`. */
  readonly module: URL;
  /** Command-line arguments of the process. */
  readonly arguments?: readonly string[];
  /** Maximum number of processes at a time. */
  readonly processes: number;
  /** Aborts running jobs at their next step; no new jobs are started. */
  readonly signal?: AbortSignal | undefined;
}

/** A process that does not end within this time after an abort is killed. */
const PATIENCE_MS = 10_000;
/** How much of a process's output is kept, for the error message if the process dies. */
const KEPT_CHARACTERS = 2000;

interface Waiting {
  readonly job: Job;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs jobs in separate processes, a new process for each job. So memory is released after each job, and a crash
 * affects only one job.
 */
export class ProcessPool {
  readonly #options: ProcessPoolOptions;
  #waiting: Waiting[] = [];
  #running = 0;

  constructor(options: ProcessPoolOptions) {
    this.#options = options;
    options.signal?.addEventListener('abort', () => this.#refuseWaiting(), { once: true });
  }

  /**
   * Runs a job.
   * @param options an urgent job starts before other waiting jobs.
   * @throws {DskdError} `aborted`; `worker-failed` if the process ended without an answer; and what the job throws.
   */
  execute = <J extends Job>(job: J, { urgent = false } = {}): Promise<JobResult<J>> =>
    new Promise((resolve, reject) => {
      const waiting: Waiting = { job, resolve: (value) => resolve(value as JobResult<J>), reject };
      if (urgent) this.#waiting.unshift(waiting);
      else this.#waiting.push(waiting);
      this.#next();
    });

  #refuseWaiting(): void {
    const refused = this.#waiting;
    this.#waiting = [];
    for (const { reject } of refused) reject(new DskdError('aborted', 'The run was stopped.'));
  }

  #next(): void {
    if (this.#options.signal?.aborted) this.#refuseWaiting();
    while (this.#running < this.#options.processes) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running++;
      this.#run(next.job)
        .then(next.resolve, next.reject)
        .finally(() => {
          this.#running--;
          this.#next();
        });
    }
  }

  async #run(job: Job): Promise<unknown> {
    const { module, arguments: given = [], signal } = this.#options;
    throwIfAborted(signal);
    const child = fork(module, given, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // As JSON a metric that is NaN would arrive as null.
      serialization: 'advanced',
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_CHARACTERS);
    });
    let answer: AnswerMessage | undefined;
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      killing = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const end = await new Promise<string>((resolve, reject) => {
        child.on('message', (message) => (answer = message as AnswerMessage));
        child.on('error', reject);
        child.on('close', (code, ending) => resolve(ending ?? `exit code ${code}`));
        child.send({ job } satisfies JobMessage, () => undefined);
      });
      throwIfAborted(signal);
      if (!answer) throw died(end, said);
      if ('error' in answer) throw fromPlain(answer.error);
      return answer.result;
    } finally {
      clearTimeout(killing);
      signal?.removeEventListener('abort', stop);
    }
  }
}

export interface BenchmarkProcessesOptions {
  /** Module that each process runs; it must call `serveBenchmark`. */
  readonly worker: URL;
  /** Name of the backend. The module gets it as its first argument. */
  readonly backend: string;
  /** Maximum number of processes at a time. */
  readonly processes: number;
  /** Aborts running jobs at their next step; no new jobs are started. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs the jobs of a benchmark in processes of this machine, a new process for each job. */
export function benchmarkProcesses({ worker, backend, ...rest }: BenchmarkProcessesOptions): Execute {
  return new ProcessPool({ ...rest, module: worker, arguments: [backend] }).execute;
}

function died(end: string, said: string): DskdError {
  const lines = said.trim().split('\n');
  const reason = lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? '';
  return new DskdError(
    'worker-failed',
    `The process ended by ${end} without an answer. ${reason.trim()}`.trim(),
    {
      hint: 'The usual reason is too little memory: use fewer processes, a smaller size or a smaller batch.',
      details: { end, said },
    },
  );
}
