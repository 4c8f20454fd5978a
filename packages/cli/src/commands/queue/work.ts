import os from 'node:os';
import { DskdError } from '@dskd/base';
import { benchmarkProcesses, type Job } from '@dskd/benchmark';
import { machineLimits } from '@dskd/engine/node';
import { runShards, work, workOnCells, type WorkEvent } from '@dskd/queue';
import { printJson } from '../../output/print.js';
import { formatDuration } from '../../output/progress.js';
import { pluginModules } from '../../plugins.js';
import { WORKER } from '../benchmark/grid.js';
import type { WorkOptions } from '../queue.js';
import { redisAddress } from './redis-address.js';

const countOf = (images: number | undefined): string =>
  images === undefined ? '' : `${images} image${images === 1 ? '' : 's'}, `;

function inWords(event: WorkEvent): string | undefined {
  const { type, id, plan, shard } = event;
  const what = shard === undefined ? id : `shard ${shard} of ${plan}`;
  switch (type) {
    case 'work-end': {
      const result = event.computed === false ? 'its result is there' : formatDuration(event.seconds);
      return `${what}: ${countOf(event.images)}${result}`;
    }
    case 'work-failed':
      return `${what} failed: ${event.code}: ${event.message}`;
    case 'work-returned':
      return `${what} was given back`;
    case 'work-stalled':
      return `the worker of ${what} does not answer: another one takes it`;
    case 'work-start':
      return undefined;
  }
}

const print = ({ json }: WorkOptions, event: WorkEvent): void => {
  if (json) {
    printJson(event);
    return;
  }
  const text = inWords(event);
  if (text !== undefined) process.stderr.write(`${text}\n`);
};

/** The part of a plan that this process has: by the option, or as a pod of an indexed Job. */
function partOf({ shard }: WorkOptions): number {
  const given = shard ?? process.env.JOB_COMPLETION_INDEX;
  if (given !== undefined && /^\d+$/.test(String(given))) return Number(given);
  throw new DskdError(
    'invalid-argument',
    given === undefined
      ? 'Got a plan, but not which part of it to score.'
      : `Got JOB_COMPLETION_INDEX ${given}, wanted a whole number.`,
    { hint: 'Say --shard NUMBER; or leave the plan out and take work from a queue: --on redis://HOST:PORT.' },
  );
}

/** Scores what is queued until the signal is aborted, or a part of a plan. */
export async function runWork(
  plan: string | undefined,
  options: WorkOptions,
  signal: AbortSignal,
): Promise<void> {
  const { on, of, threads, grace, untilDone, benchmark } = options;
  const workers =
    options.workers ?? Math.max(1, Math.floor(machineLimits().cores ?? os.availableParallelism()));
  const scoring = { workers, threads, imports: await pluginModules(options.plugin) };
  const onEvent = (event: WorkEvent): void => print(options, event);
  if (plan !== undefined) {
    await runShards(plan, {
      ...scoring,
      index: partOf(options),
      signal,
      onShard: (shard, outcome) => onEvent({ type: 'work-end', id: String(shard), plan, shard, ...outcome }),
      ...(of !== undefined && { count: of }),
    });
    return;
  }
  if (on === undefined) {
    throw new DskdError('invalid-argument', 'Got neither a queue nor a plan.', {
      hint: 'Say where the queue is, --on redis://HOST:PORT, or name a plan and its part: --shard NUMBER.',
    });
  }
  const worker = { redis: redisAddress(on), grace, untilDone, signal, onEvent };
  if (!benchmark) {
    await work({ ...worker, ...scoring });
    return;
  }
  await workOnCells({
    ...worker,
    execute: (job: Job, ending) => {
      const [first] = 'cell' in job ? [job.cell] : job.cells;
      const { backend } = first!.facts;
      return benchmarkProcesses({ worker: WORKER, backend, processes: 1, signal: ending })(job);
    },
  });
}
