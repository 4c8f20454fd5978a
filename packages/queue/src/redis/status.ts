import { readPlan } from '../plan/plan.js';
import { Storage } from '../plan/storage.js';
import { openRedis } from './connection.js';
import { PREFIX, shardJobId, SHARDS } from './names.js';
import { openShards } from './submit.js';

/** Where a plan stands. Numbers are of shards, unless their name says otherwise. */
export interface PlanStatus {
  readonly images: number;
  readonly shards: number;
  /** Those with a result: it counts once, however often it was computed. */
  readonly done: number;
  /** The following are known with Redis only. */
  readonly queue?: {
    readonly active: number;
    readonly waiting: number;
    /** Neither done nor queued: nobody submitted them, or Redis lost them. Of several plans at once, at least so many of this one. */
    readonly unqueued: number;
    readonly failed: readonly { readonly shard: number; readonly reason: string }[];
    /** Workers of the queue, whatever plan they work for. */
    readonly workers: number;
  };
}

/**
 * Counts the results of a plan, and looks for its shards in the queue.
 * @param redis address: `redis://HOST:PORT`. Without it only results are counted.
 * @throws {DskdError} `file-not-found`, `artifact-invalid`, `queue-unavailable`, `dependency-missing`, `invalid-argument`
 */
export async function planStatus(folder: string, redis?: string): Promise<PlanStatus> {
  const plan = await readPlan(folder);
  const storage = Storage.ofPlan(folder);
  const open = await openShards(storage, plan);
  const { images, shards } = plan;
  const counted = { images, shards: shards.length, done: shards.length - open.length };
  if (redis === undefined) return counted;
  const { bullmq, client, close } = await openRedis(redis);
  try {
    const queue = new bullmq.Queue(SHARDS, { connection: client, prefix: PREFIX });
    const shardOf = new Map(open.map((shard) => [shardJobId(storage.folder, shards[shard]!), shard]));
    const [activeJobs, failedJobs, workers, queued] = await Promise.all([
      queue.getActive(),
      queue.getFailed(),
      queue.getWorkersCount(),
      queue.getJobCountByTypes('waiting', 'delayed', 'prioritized'),
    ]);
    await queue.close();
    const failed = failedJobs
      .filter(({ id }) => shardOf.has(id!))
      .map(({ id, failedReason }) => ({ shard: shardOf.get(id!)!, reason: failedReason }))
      .sort((a, b) => a.shard - b.shard);
    const active = activeJobs.filter(({ id }) => shardOf.has(id!)).length;
    const left = open.length - active - failed.length;
    const waiting = Math.min(left, queued);
    return { ...counted, queue: { active, waiting, unqueued: left - waiting, failed, workers } };
  } finally {
    await close();
  }
}
