import { setTimeout as pause } from 'node:timers/promises';
import { type DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import type { Job } from 'bullmq';
import { openRedis } from './connection.js';
import { PREFIX } from './names.js';

export interface WorkerOptions {
  /** Address of Redis: `redis://HOST:PORT`. */
  readonly redis: string;
  /**
   * Seconds that the work under way may take after `signal` is aborted. After that it is given back. Default 20: less than the 30
   * after which Kubernetes kills.
   */
  readonly grace?: number;
  /** Ends when no work is queued or being done. Default false: waits for more. */
  readonly untilDone?: boolean;
  /**
   * Seconds after which another worker takes the work of one that does not renew its lock. Default 30. It is renewed twice in that
   * time by the thread of the caller, in which nothing is computed.
   */
  readonly lock?: number;
  /** Ends the work: see `grace`. */
  readonly signal?: AbortSignal;
}

/** What a queue is worked on by. */
export interface Labor<Data> {
  /** @returns what the one who queued it gets. */
  readonly perform: (data: Data, id: string, signal: AbortSignal) => Promise<string | undefined>;
  readonly onFailed: (data: Data, id: string, error: unknown) => void;
  /** It goes to another worker. */
  readonly onReturned: (data: Data, id: string) => void;
  /** The lock of work was lost, since its worker was killed or lost Redis: it goes to another worker. */
  readonly onStalled: (id: string) => void;
}

/** Work whose workers died so often is not tried again: it may be what kills them. */
const MOST_STALLS = 5;
/** The reason is this machine: the work is given back, and the worker ends. */
const OWN_FAULTS = [
  'version-mismatch',
  'dependency-missing',
  'backend-unavailable',
  'plugin-failed',
  'file-not-writable',
] as const;
/** May pass, or be other on another machine: another try is made. Errors without a code, of a file system, are such ones, too. */
const PASSING = ['download-failed', 'worker-failed', 'out-of-memory', 'queue-full'] as const;

const isOneOf = (error: unknown, codes: readonly DskdError['code'][]): error is DskdError =>
  codes.some((code) => isDskdError(error, code));

export const isOwnFault = (error: unknown): error is DskdError => isOneOf(error, OWN_FAULTS);

/** An error in one line, with what to do. */
function inWords(error: unknown): string {
  if (!isDskdError(error)) return error instanceof Error ? error.message : String(error);
  const { code, message, hint } = error;
  return `${code}: ${message}${hint === undefined ? '' : ` ${hint}`}`;
}

/**
 * Works on a queue, one job at a time, until the signal is aborted.
 * @throws {DskdError} of {@link openRedis}, and the error whose reason is this machine.
 */
export async function runWorker<Data>(
  queue: string,
  { redis, grace = 20, untilDone = false, lock = 30, signal }: WorkerOptions,
  { perform, onFailed, onReturned, onStalled }: Labor<Data>,
): Promise<void> {
  throwIfAborted(signal);
  const { bullmq, client, close } = await openRedis(redis);
  const late = new AbortController();
  let fault: unknown;
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));

  const process = async (job: Job<Data>, token: string | undefined): Promise<string | undefined> => {
    const id = job.id!;
    try {
      return await perform(job.data, id, late.signal);
    } catch (error) {
      if (isOwnFault(error)) {
        fault = error;
        end();
      }
      if (isOwnFault(error) || late.signal.aborted) {
        // No try is counted.
        await job.moveToWait(token);
        onReturned(job.data, id);
        throw new bullmq.WaitingError();
      }
      onFailed(job.data, id, error);
      const isFinal = isDskdError(error) && !isOneOf(error, PASSING);
      throw isFinal
        ? new bullmq.UnrecoverableError(inWords(error))
        : new Error(inWords(error), { cause: error });
    }
  };

  const worker = new bullmq.Worker<Data, string | undefined>(queue, process, {
    connection: client,
    prefix: PREFIX,
    autorun: false,
    concurrency: 1,
    lockDuration: lock * 1000,
    stalledInterval: lock * 1000,
    maxStalledCount: MOST_STALLS,
  });
  // A connection is tried again by itself; a lock that was lost is told by `stalled`.
  worker.on('error', () => undefined);
  worker.on('stalled', onStalled);
  signal?.addEventListener('abort', end, { once: true });
  const running = worker.run().catch((error: unknown) => {
    fault ??= error;
    end();
  });
  const watched = new AbortController();
  const watching = untilDone ? emptied(redis, queue, watched.signal) : new Promise<void>(() => undefined);
  try {
    await Promise.race([ended, watching]);
    const timer = setTimeout(() => late.abort(), fault === undefined ? grace * 1000 : 0);
    await worker.close();
    clearTimeout(timer);
    await running;
  } finally {
    watched.abort();
    signal?.removeEventListener('abort', end);
    if (untilDone) await watching.catch(() => undefined);
    await close();
  }
  if (fault !== undefined) throw fault as Error;
}

const LOOK_MS = 500;

/** Waits until nothing is queued or being done. */
async function emptied(redis: string, name: string, signal: AbortSignal): Promise<void> {
  const { bullmq, client, close } = await openRedis(redis);
  const queue = new bullmq.Queue(name, { connection: client, prefix: PREFIX });
  try {
    while (!signal.aborted) {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
      if (Object.values(counts).every((count) => count === 0)) return;
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await queue.close();
    await close();
  }
}
