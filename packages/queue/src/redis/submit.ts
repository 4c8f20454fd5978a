import path from 'node:path';
import { readPlan, type Plan } from '../plan/plan.js';
import { Storage } from '../plan/storage.js';
import { openRedis } from './connection.js';
import { PREFIX, shardJobId, SHARDS, type ShardData } from './names.js';

/** What submitting did. */
export interface Submitted {
  readonly shards: number;
  /** Shards whose result is there already: they are not queued. */
  readonly done: number;
}

/** Jobs that one command adds. */
const CHUNK = 1000;
/** A shard fails after so many tries, each of which ended with an error that may pass. */
const ATTEMPTS = 3;

/** Numbers of the shards without a result. */
export async function openShards(storage: Storage, { shards }: Plan): Promise<number[]> {
  const open: number[] = [];
  for (const [index, name] of shards.entries()) if (!(await storage.hasResult(name))) open.push(index);
  return open;
}

/**
 * Queues the shards of a plan that have no result. Shards that are queued already stay where they are; those that failed are tried
 * again.
 * @param redis address: `redis://HOST:PORT`
 * @throws {DskdError} `queue-unavailable`, `dependency-missing`, `invalid-argument`, `file-not-found`, `artifact-invalid`
 */
export async function submit(folder: string, redis: string): Promise<Submitted> {
  const plan = await readPlan(folder);
  const storage = Storage.ofPlan(folder);
  const open = await openShards(storage, plan);
  const { bullmq, client, close } = await openRedis(redis);
  try {
    const queue = new bullmq.Queue(SHARDS, { connection: client, prefix: PREFIX });
    const idOf = (shard: number): string => shardJobId(storage.folder, plan.shards[shard]!);
    const ids = new Set(open.map(idOf));
    for (const job of await queue.getFailed()) if (ids.has(job.id!)) await job.remove();
    for (let start = 0; start < open.length; start += CHUNK) {
      await queue.addBulk(
        open.slice(start, start + CHUNK).map((shard) => ({
          name: 'shard',
          data: { plan: path.resolve(folder), shard } satisfies ShardData,
          opts: {
            jobId: idOf(shard),
            attempts: ATTEMPTS,
            backoff: { type: 'exponential', delay: 1000 },
            // That it is done is told by its result.
            removeOnComplete: true,
          },
        })),
      );
    }
    await queue.close();
    return { shards: plan.shards.length, done: plan.shards.length - open.length };
  } finally {
    await close();
  }
}
