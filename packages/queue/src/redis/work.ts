import { isDskdError } from '@dskd/base';
import type { ScorerOptions } from '../shard/open-scorer.js';
import { ShardRunner, type OpenScorer } from '../shard/shard-runner.js';
import { SHARDS, type ShardData } from './names.js';
import { runWorker, type WorkerOptions } from './run-worker.js';

/** What a worker does, and with which work: a shard of a plan, or a cell of a benchmark by its id in the queue. */
export type WorkEvent = (
  | { readonly type: 'work-start' | 'work-returned' }
  | {
      readonly type: 'work-end';
      readonly seconds: number;
      /** Of a shard. */
      readonly images?: number;
      /** Of a shard: false where its result was there already. */
      readonly computed?: boolean;
    }
  | { readonly type: 'work-failed'; readonly code: string; readonly message: string }
  /** Its worker was killed or lost Redis: another one takes it. */
  | { readonly type: 'work-stalled' }
) & { readonly id: string; readonly plan?: string; readonly shard?: number };

export interface WorkOptions extends WorkerOptions, ScorerOptions {
  readonly onEvent?: (event: WorkEvent) => void;
}

/** {@link work} with what a test replaces. */
export async function workWith(options: WorkOptions, openScorer?: OpenScorer): Promise<void> {
  const { onEvent, workers, threads, imports, ...worker } = options;
  const runner = new ShardRunner(
    {
      ...(workers !== undefined && { workers }),
      ...(threads !== undefined && { threads }),
      ...(imports && { imports }),
    },
    openScorer,
  );
  try {
    await runWorker<ShardData>(SHARDS, worker, {
      async perform({ plan, shard }, id, signal) {
        onEvent?.({ type: 'work-start', id, plan, shard });
        const outcome = await runner.run(plan, shard, signal);
        onEvent?.({ type: 'work-end', id, plan, shard, ...outcome });
        return undefined;
      },
      onFailed(data, id, error) {
        const code = isDskdError(error) ? error.code : 'system';
        const message = error instanceof Error ? error.message : String(error);
        onEvent?.({ type: 'work-failed', id, ...data, code, message });
      },
      onReturned: (data, id) => onEvent?.({ type: 'work-returned', id, ...data }),
      onStalled: (id) => onEvent?.({ type: 'work-stalled', id }),
    });
  } finally {
    await runner.dispose();
  }
}

/**
 * Scores shards for a queue, one at a time, until the signal is aborted. What a worker that is killed had, another one does again; a
 * result is named by what it is of, so that it counts once.
 * @returns when the signal was aborted and the work under way is finished or given back; with `untilDone` when all is done.
 * @throws {DskdError} `queue-unavailable`, `dependency-missing`, `invalid-argument`; `version-mismatch` and others whose reason is this
 * machine: the work is given back. Errors of a shard do not end the worker.
 */
export function work(options: WorkOptions): Promise<void> {
  return workWith(options);
}
