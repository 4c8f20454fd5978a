import { sha256 } from '../plan/storage.js';

/** Prefix of all keys in Redis. */
export const PREFIX = 'dskd';
/** The queue of the shards of all plans. */
export const SHARDS = 'shards';
/** The queue of the cells of all benchmarks. */
export const CELLS = 'cells';

/** What a job of a shard says. Images and model are in files that all machines see. */
export interface ShardData {
  /** Folder of the plan. */
  readonly plan: string;
  readonly shard: number;
}

/** What a job of a benchmark says. */
export interface CellData {
  /** A `Job` of `@dskd/benchmark`, as JSON. */
  readonly job: string;
}

/** The same result in the same storage is the same job: it is queued once, whoever submits it. */
export const shardJobId = (storage: string, result: string): string =>
  `shard-${sha256(`${storage}\n${result}`).slice(0, 40)}`;

/** The same job of a benchmark is queued once. */
export const cellJobId = (job: string): string => `cell-${sha256(job).slice(0, 40)}`;
