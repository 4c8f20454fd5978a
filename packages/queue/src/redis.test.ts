import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { Job } from '@dskd/benchmark';
import { redisMissing, startRedis, type Redis } from '@dskd/test-support';
import { collect } from './collect.js';
import { fakeScorer } from './fake-scorer.test.util.js';
import { makePlan, type PlannedWork } from './plan/make-plan.js';
import { cellQueue, workOnCells } from './redis/cells.js';
import { openRedis } from './redis/connection.js';
import { planStatus } from './redis/status.js';
import { submit } from './redis/submit.js';
import { workWith, type WorkEvent, type WorkOptions } from './redis/work.js';
import type { OpenScorer } from './shard/shard-runner.js';

if (redisMissing !== undefined) console.log(`SKIPPED: queues in Redis: ${redisMissing}`);
const describeRedis = redisMissing === undefined ? describe : describe.skip;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd queue ü-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Five shards of two images. */
async function planned(): Promise<PlannedWork> {
  const images = Array.from({ length: 10 }, (_, index) => `${index}.png`);
  for (const name of images) await writeFile(path.join(root, name), `image ${name} of ${root}`);
  return makePlan({
    storage: path.join(root, 'shared'),
    root,
    model: Buffer.from('model'),
    engine: 'tfjs',
    images,
    shardSize: 2,
  });
}

const good: OpenScorer = () => Promise.resolve(fakeScorer);

describe('an address', () => {
  test.each([
    ['localhost:6379', 'Got the address localhost:// of Redis; wanted redis://HOST:PORT'],
    ['http://queue', 'Got the address http://queue of Redis'],
    [':secret@nowhere', 'Got an address that is no URL of Redis'],
  ])('%s is refused without showing a password', async (given, message) => {
    const error = await openRedis(given).catch((each: unknown) => each as DskdError);
    expect(error).toMatchObject({ code: 'invalid-argument' });
    expect((error as DskdError).message).toContain(message);
    expect((error as DskdError).message).not.toContain('secret');
  });

  test('at which nothing answers is named, without its password', async () => {
    await expect(openRedis('redis://:secret@127.0.0.1:9')).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: expect.stringMatching(
        /^The Redis 127\.0\.0\.1:9 does not answer: connect ECONNREFUSED/,
      ) as string,
      hint: expect.stringContaining('redis-server --maxmemory-policy noeviction --appendonly yes') as string,
    });
  });
});

describeRedis('a Redis that would lose jobs is refused', () => {
  test.each([
    [
      ['--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru'],
      'got maxmemory-policy allkeys-lru, wanted noeviction',
    ],
    [['--appendonly', 'no', '--maxmemory-policy', 'noeviction'], 'got appendonly no, wanted yes'],
  ])('%j', async (options, message) => {
    const redis = await startRedis({ options });
    try {
      await expect(submit((await planned()).folder, redis.url)).rejects.toMatchObject({
        code: 'queue-unavailable',
        message: expect.stringContaining(message) as string,
        hint: expect.stringContaining('redis-cli CONFIG SET') as string,
      });
    } finally {
      await redis.close();
    }
  });

  test('one that asks for a password says so', async () => {
    const redis = await startRedis({ options: ['--requirepass', 'secret'] });
    try {
      await expect(openRedis(redis.url)).rejects.toMatchObject({
        code: 'queue-unavailable',
        message: expect.stringContaining('NOAUTH') as string,
      });
    } finally {
      await redis.close();
    }
  });
});

describeRedis('a queue', () => {
  let redis: Redis;
  let events: WorkEvent[];
  const running: { readonly end: () => void; readonly ended: Promise<unknown> }[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
  beforeEach(() => {
    events = [];
  });
  afterEach(async () => {
    for (const { end, ended } of running.splice(0)) {
      end();
      await ended.catch(() => undefined);
    }
    const { client, close } = await openRedis(redis.url);
    await client.flushall();
    await close();
  });

  function worker(
    options: Partial<WorkOptions> = {},
    scorer: OpenScorer = good,
  ): { readonly end: () => void; readonly ended: Promise<void> } {
    const controller = new AbortController();
    const ended = workWith(
      { redis: redis.url, signal: controller.signal, onEvent: (event) => events.push(event), ...options },
      scorer,
    );
    const started = { end: () => controller.abort(), ended };
    running.push(started);
    return started;
  }

  const kinds = (type: WorkEvent['type']): WorkEvent[] => events.filter((event) => event.type === type);

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await holds()); tries++) {
      if (tries > 200) throw new Error(`It does not hold: ${JSON.stringify(events)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  test('is worked off by two workers; submitting twice, or what is done, adds nothing', async () => {
    const { folder } = await planned();
    expect(await planStatus(folder, redis.url)).toMatchObject({ queue: { waiting: 0, unqueued: 5 } });
    expect(await submit(folder, redis.url)).toEqual({ shards: 5, done: 0 });
    expect(await submit(folder, redis.url)).toEqual({ shards: 5, done: 0 });
    expect(await planStatus(folder, redis.url)).toEqual({
      images: 10,
      shards: 5,
      done: 0,
      queue: { active: 0, waiting: 5, unqueued: 0, failed: [], workers: 0 },
    });
    await Promise.all([worker({ untilDone: true }).ended, worker({ untilDone: true }).ended]);
    expect(
      kinds('work-end')
        .map(({ shard }) => shard)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(await planStatus(folder, redis.url)).toMatchObject({
      done: 5,
      queue: { active: 0, waiting: 0, failed: [] },
    });
    expect(await planStatus(folder)).toEqual({ images: 10, shards: 5, done: 5 });
    let lines = '';
    expect(await collect(folder, (text) => void (lines += text))).toEqual({ images: 10, unreadable: 0 });
    expect(lines.trim().split('\n').length).toBe(10);
    expect(await submit(folder, redis.url)).toEqual({ shards: 5, done: 5 });
    const { client, close } = await openRedis(redis.url);
    // Nothing of an image was ever in Redis, and nothing of what is done is left.
    expect((await client.keys('*')).filter((key) => /shard-/.test(key))).toEqual([]);
    await close();
  });

  test('a shard with a changed image fails at once, names it, and ends nothing else; submitting again repairs', async () => {
    const { folder } = await planned();
    const file = path.join(root, '5.png');
    const before = await readFile(file);
    await writeFile(file, 'changed');
    await submit(folder, redis.url);
    await worker({ untilDone: true }).ended;
    expect(kinds('work-failed')).toMatchObject([{ shard: 2, code: 'dataset-invalid' }]);
    const { done, queue } = await planStatus(folder, redis.url);
    expect(done).toBe(4);
    expect(queue!.failed).toEqual([
      {
        shard: 2,
        reason: expect.stringMatching(
          /^dataset-invalid: 5\.png has changed since it was submitted: .* Submit the images again/,
        ) as string,
      },
    ]);
    await writeFile(file, before);
    expect(await submit(folder, redis.url)).toEqual({ shards: 5, done: 4 });
    await worker({ untilDone: true }).ended;
    expect(await planStatus(folder, redis.url)).toMatchObject({ done: 5, queue: { failed: [] } });
  });

  test('what may pass is tried again', async () => {
    const { folder } = await planned();
    await submit(folder, redis.url);
    let failures = 0;
    const shaky: OpenScorer = () =>
      Promise.resolve({
        ...fakeScorer,
        predict(image, signal) {
          if (failures++ === 0) throw new DskdError('worker-failed', 'A worker ended.');
          return fakeScorer.predict(image, signal);
        },
      });
    await worker({ untilDone: true }, shaky).ended;
    expect(kinds('work-failed')).toMatchObject([{ code: 'worker-failed' }]);
    expect(await planStatus(folder, redis.url)).toMatchObject({ done: 5, queue: { failed: [] } });
  });

  test('a worker that ends finishes its shard in time, or gives it back without counting a try', async () => {
    const { folder } = await planned();
    await submit(folder, redis.url);
    let begun = 0;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const slow: OpenScorer = () =>
      Promise.resolve({
        ...fakeScorer,
        async predict(image, signal) {
          begun++;
          await finished;
          return fakeScorer.predict(image, signal);
        },
      });
    const first = worker({ grace: 0 }, slow);
    await until(() => begun > 0);
    first.end();
    await first.ended;
    expect(kinds('work-returned').length).toBe(1);
    expect(await planStatus(folder, redis.url)).toMatchObject({ done: 0, queue: { active: 0, waiting: 5 } });
    begun = 0;
    const second = worker({ grace: 60 }, slow);
    await until(() => begun > 0);
    second.end();
    finish();
    await second.ended;
    expect(kinds('work-end').length).toBe(1);
    expect(await planStatus(folder, redis.url)).toMatchObject({ done: 1, queue: { active: 0, waiting: 4 } });
    await worker({ untilDone: true }).ended;
    expect(await planStatus(folder)).toMatchObject({ done: 5 });
  });

  test('a machine that cannot do the work gives it back and says why', async () => {
    const { folder } = await planned();
    await submit(folder, redis.url);
    const lacking: OpenScorer = () =>
      Promise.reject(new DskdError('dependency-missing', 'The package onnxruntime-node is not installed.'));
    await expect(worker({}, lacking).ended).rejects.toMatchObject({ code: 'dependency-missing' });
    expect(kinds('work-returned').length).toBe(1);
    expect(await planStatus(folder, redis.url)).toMatchObject({ queue: { waiting: 5, failed: [] } });
  });

  test('jobs of a benchmark give their results, NaN too, and their errors; each is done once', async () => {
    const job = (seed: number, kind = 'estimate'): Job =>
      ({ kind, cell: { id: `${seed}`, facts: { seed } }, category: {} }) as unknown as Job;
    const done: string[] = [];
    const controller = new AbortController();
    const working = workOnCells({
      redis: redis.url,
      signal: controller.signal,
      execute: ((each: Job & { readonly cell: { readonly id: string } }) => {
        done.push(each.cell.id);
        if (each.cell.id === '2') {
          return Promise.reject(
            new DskdError('out-of-memory', 'No room.', { hint: 'Less.', details: { at: 2 } }),
          );
        }
        return Promise.resolve({ seconds: Number.NaN, bytes: 7 });
      }) as Parameters<typeof workOnCells>[0]['execute'],
    });
    const cells = await cellQueue(redis.url);
    try {
      const [first, second, again] = await Promise.allSettled([
        cells.execute(job(1)),
        cells.execute(job(2)),
        cells.execute(job(1)),
      ]);
      expect(first).toEqual({ status: 'fulfilled', value: { seconds: Number.NaN, bytes: 7 } });
      expect(again).toEqual(first);
      expect(second).toMatchObject({
        reason: { code: 'out-of-memory', message: 'No room.', hint: 'Less.', details: { at: 2 } },
      });
      expect(done.sort()).toEqual(['1', '2']);
      // Its results may have been removed since: it is done again when it is asked for again.
      await cells.execute(job(1));
      expect(done.sort()).toEqual(['1', '1', '2']);
    } finally {
      controller.abort();
      await working;
      await cells.close();
    }
  });

  test('a benchmark that ends takes what nobody has begun out of the queue', async () => {
    const controller = new AbortController();
    const cells = await cellQueue(redis.url, controller.signal);
    expect(cells.workers).toBe(0);
    const waiting = cells.execute({ kind: 'estimate', cell: { id: '1' } } as unknown as Job);
    const { client, close } = await openRedis(redis.url);
    const left = async (): Promise<number> =>
      (await client.keys('*')).filter((key) => /cell-/.test(key)).length;
    try {
      await until(async () => (await left()) === 1);
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
      expect(await left()).toBe(0);
      await cells.close();
    } finally {
      await close();
    }
  });
});
