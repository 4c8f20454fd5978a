import { DskdError } from '@dskd/base';
import type { Redis as Client } from 'ioredis';

/** The two packages that are wanted only where a queue is in Redis. */
interface Libraries {
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof import('ioredis').Redis;
}

/** @throws {DskdError} `dependency-missing` */
async function importLibraries(): Promise<Libraries> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (cause) {
    throw new DskdError(
      'dependency-missing',
      `The packages bullmq and ioredis, which a queue in Redis needs, cannot be loaded: ${(cause as Error).message}`,
      { hint: 'npm install --ignore-scripts bullmq@6 ioredis@6', cause },
    );
  }
}

/** @throws {DskdError} `invalid-argument` */
function redisUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url && (url.protocol === 'redis:' || url.protocol === 'rediss:') && url.hostname !== '') return url;
  // What is no URL may still contain a password.
  throw new DskdError(
    'invalid-argument',
    `Got ${url ? `the address ${url.protocol}//${url.host}` : 'an address that is no URL'} of Redis; wanted redis://HOST:PORT, or rediss:// with TLS.`,
    { hint: 'For example redis://localhost:6379, or redis://:PASSWORD@queue.example.com/0.' },
  );
}

const CONNECT_MS = 5000;

/** A value of the answer to INFO. */
const infoOf = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];

/** @throws {DskdError} `queue-unavailable` */
function assertKeepsJobs(info: string, where: string): void {
  const policy = infoOf(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw new DskdError(
      'queue-unavailable',
      `The Redis ${where} evicts keys when its memory is full: got maxmemory-policy ${policy}, wanted noeviction.`,
      {
        hint: 'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf. With another policy jobs vanish.',
        details: { got: policy, wanted: 'noeviction' },
      },
    );
  }
  const aof = infoOf(info, 'aof_enabled');
  if (aof !== '1') {
    throw new DskdError(
      'queue-unavailable',
      `The Redis ${where} forgets jobs when it restarts: got appendonly ${aof === '0' ? 'no' : 'unknown'}, wanted yes.`,
      {
        hint: 'redis-cli CONFIG SET appendonly yes, and the same in redis.conf.',
        details: { got: aof ?? null, wanted: '1' },
      },
    );
  }
}

/** A Redis that was found to keep jobs. */
export interface OpenedRedis {
  readonly bullmq: Libraries['bullmq'];
  /** Waits for Redis where it is away, as long as it takes. */
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** @throws {DskdError} `queue-unavailable` */
async function probeRedis(url: URL, Redis: Libraries['Redis']): Promise<void> {
  const probe = new Redis(url.href, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: CONNECT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // Its last error says more than that of the command.
  let reason: string | undefined;
  probe.on('error', (error: Error) => (reason ??= error.message));
  try {
    await probe.connect();
    assertKeepsJobs(await probe.info(), url.host);
  } catch (cause) {
    if (cause instanceof DskdError) throw cause;
    throw new DskdError(
      'queue-unavailable',
      `The Redis ${url.host} does not answer: ${reason ?? (cause as Error).message}.`,
      {
        hint: 'Is it started, and does this machine reach it? redis-server --maxmemory-policy noeviction --appendonly yes starts one.',
        details: { host: url.host },
        cause,
      },
    );
  } finally {
    // Where it never connected, its timer would keep the process alive for two seconds.
    if (probe.status !== 'end') probe.disconnect();
  }
}

/**
 * Connects, and checks that no job can be lost.
 * @throws {DskdError} `dependency-missing`, `invalid-argument`, `queue-unavailable`
 */
export async function openRedis(address: string): Promise<OpenedRedis> {
  const url = redisUrl(address);
  const { bullmq, Redis } = await importLibraries();
  await probeRedis(url, Redis);
  const client = new Redis(url.href, { maxRetriesPerRequest: null });
  // While Redis is away each try to reconnect is an error; commands wait.
  client.on('error', () => undefined);
  return {
    bullmq,
    client,
    async close() {
      client.disconnect();
      await Promise.resolve();
    },
  };
}
