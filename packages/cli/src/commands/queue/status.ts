import { setTimeout as pause } from 'node:timers/promises';
import { DskdError, throwIfAborted } from '@dskd/base';
import { planStatus, type PlanStatus } from '@dskd/queue';
import { printJson, printLine } from '../../output/print.js';
import { ProgressBar } from '../../output/progress.js';
import type { StatusOptions } from '../queue.js';
import { redisAddress } from './redis-address.js';

const LOOK_MS = 1000;

function inWords({ images, shards, done, queue }: PlanStatus): string {
  const counted = `${done} of ${shards} shards done, of ${images} images`;
  if (!queue) return counted;
  const { active, waiting, unqueued, failed, workers } = queue;
  const lost = unqueued === 0 ? '' : ` ${unqueued} not queued,`;
  return `${counted}; ${active} being scored, ${waiting} waiting,${lost} ${failed.length} failed; ${workers} worker${workers === 1 ? '' : 's'}`;
}

/** Whether nothing will change without another submit. */
const isOver = ({ shards, done, queue }: PlanStatus): boolean =>
  done + (queue?.failed.length ?? 0) === shards;

/** Prints where a plan stands; with `--watch` again until it is over. */
export async function runStatus(plan: string, options: StatusOptions, signal: AbortSignal): Promise<void> {
  const { on, watch, json } = options;
  const redis = on === undefined ? undefined : redisAddress(on);
  const bar = new ProgressBar();
  let last = '';
  for (;;) {
    const status = await planStatus(plan, redis);
    const text = JSON.stringify(status);
    if (json && text !== last) printJson({ type: 'queue-status', ...status });
    last = text;
    if (!watch || isOver(status)) {
      bar.clear();
      if (!json) printStatus(status);
      const failed = status.queue?.failed.length ?? 0;
      if (watch && failed > 0) {
        throw new DskdError('worker-failed', `${failed} of ${status.shards} shards failed.`, {
          hint: 'Remove the reason, then submit again: only shards without a result are queued.',
        });
      }
      return;
    }
    bar.show(inWords(status), status.done, status.shards);
    await pause(LOOK_MS, undefined, { signal }).catch(() => throwIfAborted(signal));
  }
}

function printStatus(status: PlanStatus): void {
  printLine(inWords(status));
  for (const { shard, reason } of status.queue?.failed ?? []) printLine(`shard ${shard} failed: ${reason}`);
}
