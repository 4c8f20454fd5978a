import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '@dskd/engine/node';
import { redisMissing, startRedis, type Redis } from '@dskd/test-support';
import { makePlan, planStatus, submit, work, type WorkEvent } from './index.js';
import { smallModel, writeSmallImages } from './small-model.test.util.js';

if (redisMissing !== undefined) console.log(`SKIPPED: locks of work: ${redisMissing}`);
const describeRedis = redisMissing === undefined ? describe : describe.skip;

const WORKER = fileURLToPath(new URL('./worker-process.test.util.js', import.meta.url));
const LOCK = 2;

describeRedis('a shard that takes longer than its lock', () => {
  let folder: string;
  let redis: Redis;
  let plan: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dskd lock ü-'));
    redis = await startRedis();
    const model = await smallModel([160, 160]);
    const [image] = await writeSmallImages(folder, 1);
    const engine = await openEngine(model, { engine: 'tfjs', workers: 1 });
    const started = performance.now();
    for (let index = 0; index < 5; index++) await engine.predict(image!);
    const seconds = (performance.now() - started) / 5000;
    await engine.dispose();
    const images = Array.from<string>({ length: Math.ceil((4 * LOCK) / seconds) }).fill(image!);
    const storage = path.join(folder, 'shared');
    ({ folder: plan } = await makePlan({ storage, model, images, engine: 'tfjs', shardSize: images.length }));
    await submit(plan, redis.url);
  }, 120_000);
  afterAll(async () => {
    await redis.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('is given back by a process that is told to end and cannot finish in time', async () => {
    const options = JSON.stringify({ redis: redis.url, grace: 0.1 });
    const child = spawn(process.execPath, [WORKER, options], { stdio: ['ignore', 'pipe', 'inherit'] });
    const watchdog = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let printed = '';
    let isTold = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      // Once: a second signal could come while the process exits, and end it with another code.
      if (!isTold && printed.includes('work-start')) isTold = child.kill('SIGTERM');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(watchdog);
    expect(code).toBe(0);
    expect(printed).toMatch(/"work-returned"/);
    expect(await planStatus(plan, redis.url)).toMatchObject({ done: 0, queue: { active: 0, waiting: 1 } });
  }, 90_000);

  test('is done once, while another worker waits to take what stalls', async () => {
    const events: WorkEvent[] = [];
    const options = {
      redis: redis.url,
      lock: LOCK,
      untilDone: true,
      onEvent: (event: WorkEvent) => void events.push(event),
    };
    await Promise.all([work(options), work(options)]);
    expect(events.map(({ type }) => type)).toEqual(['work-start', 'work-end']);
    expect(events[1]).toMatchObject({ computed: true });
    const { seconds } = events[1] as WorkEvent & { readonly seconds: number };
    console.log({ lock: LOCK, seconds });
    expect(seconds).toBeGreaterThan(1.5 * LOCK);
    expect(await planStatus(plan, redis.url)).toMatchObject({ done: 1, queue: { failed: [] } });
  }, 120_000);
});
