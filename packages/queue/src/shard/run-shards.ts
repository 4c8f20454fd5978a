import { DskdError, throwIfAborted } from '@dskd/base';
import { readPlan } from '../plan/plan.js';
import type { ScorerOptions } from './open-scorer.js';
import { ShardRunner, type ShardOutcome } from './shard-runner.js';

export interface RunShardsOptions extends ScorerOptions {
  /** Which part of the shards: `index` of `count`, from 0. Part i has the shards i, i + count, i + 2 count, … */
  readonly index: number;
  /** Default: the number of shards, so that a part is one shard. */
  readonly count?: number;
  readonly onShard?: (shard: number, outcome: ShardOutcome) => void;
  readonly signal?: AbortSignal;
}

/**
 * Scores a part of a plan without a queue: what one pod of an indexed Kubernetes Job does. Shards with a result are not scored
 * again, so that a part which is started again goes on where it was.
 * @throws {DskdError} `invalid-argument`; `dataset-invalid` for an image that has changed since it was planned;
 * `version-mismatch`, `artifact-invalid`, `download-failed`, `aborted`, and of loading the model
 */
export async function runShards(folder: string, options: RunShardsOptions): Promise<void> {
  const { index, onShard, signal = new AbortController().signal, ...scoring } = options;
  const { shards } = await readPlan(folder);
  const { count = shards.length } = options;
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(index) || index < 0 || index >= count) {
    throw new DskdError(
      'invalid-argument',
      `Got the part ${index} of ${count}; wanted one of 0 to ${count - 1}.`,
      {
        hint: `The plan ${folder} has ${shards.length} shards.`,
        details: { index, count, shards: shards.length },
      },
    );
  }
  const runner = new ShardRunner(scoring);
  try {
    for (let shard = index; shard < shards.length; shard += count) {
      throwIfAborted(signal);
      const outcome = await runner.run(folder, shard, signal);
      onShard?.(shard, outcome);
    }
  } finally {
    await runner.dispose();
  }
}
