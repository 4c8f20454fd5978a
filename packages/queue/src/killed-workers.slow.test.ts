import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { plainPrediction } from '@dskd/engine';
import { openEngine } from '@dskd/engine/node';
import { redisMissing, startRedis, type Redis } from '@dskd/test-support';
import { collect, makePlan, planStatus, submit, type WorkEvent } from './index.js';
import { smallModel, writeSmallImages } from './small-model.test.util.js';

const IP = '/usr/sbin/ip';
const WORKERS = 3;
const SHARDS = 200;
const WORKER = fileURLToPath(new URL('./worker-process.test.util.js', import.meta.url));

const ip = (...args: string[]): void => void execFileSync(IP, args, { stdio: 'pipe', timeout: 10_000 });

/** Networks of their own for Redis and each worker, joined by a bridge in that of Redis, which this process reaches, too. */
class Networks {
  readonly #id = `dq${process.pid % 100_000}`;
  readonly #subnet = `10.${200 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 250}`;
  readonly redis = `${this.#id}r`;
  readonly host = `${this.#subnet}.1`;
  readonly workers = Array.from({ length: WORKERS }, (_, index) => `${this.#id}w${index}`);

  start(): void {
    const { redis, workers } = this;
    ip('netns', 'add', redis);
    ip('-n', redis, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', redis, 'addr', 'add', `${this.host}/24`, 'dev', 'br0');
    ip('-n', redis, 'link', 'set', 'br0', 'up');
    for (const [index, worker] of workers.entries()) {
      ip('netns', 'add', worker);
      ip('-n', worker, 'link', 'set', 'lo', 'up');
      this.#join(index, ['netns', worker], ['-n', worker], `${this.#subnet}.${index + 2}`);
    }
    this.#join(WORKERS, [], [], `${this.#subnet}.${WORKERS + 2}`);
  }

  /** A cable from a network to the bridge. */
  #join(index: number, where: readonly string[], within: readonly string[], address: string): void {
    const end = `${this.#id}e${index}`;
    ip('link', 'add', end, ...where, 'type', 'veth', 'peer', 'name', `port${index}`, 'netns', this.redis);
    ip('-n', this.redis, 'link', 'set', `port${index}`, 'master', 'br0', 'up');
    ip(...within, 'addr', 'add', `${address}/24`, 'dev', end);
    ip(...within, 'link', 'set', end, 'up');
  }

  end(): void {
    for (const name of [...this.workers, this.redis]) {
      try {
        ip('netns', 'del', name);
      } catch {
        // It was not made.
      }
    }
  }
}

/** Why the test cannot run. */
function missing(): string | undefined {
  if (redisMissing !== undefined) return redisMissing;
  if (!existsSync(IP)) return `there is no ${IP}`;
  const networks = new Networks();
  try {
    networks.start();
    return undefined;
  } catch (error) {
    return `networks of their own cannot be made: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    networks.end();
  }
}

const reason = missing();
if (reason !== undefined) console.log(`SKIPPED: workers that are killed: ${reason}`);
const testNetworks = reason === undefined ? test : test.skip;

/** A worker that is started again when it ends, as a supervisor does: without Redis it cannot start. */
class WorkerProcess {
  readonly events: WorkEvent[] = [];
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;
  /** Shards since it was started. */
  #shards = 0;
  #isEnded = false;

  constructor(network: string, url: string) {
    const options = JSON.stringify({ redis: url, workers: 1, lock: 2 });
    this.#command = ['netns', 'exec', network, process.execPath, WORKER, options];
    this.#start();
  }

  #start(): void {
    if (this.#isEnded) return;
    this.#shards = 0;
    const child = spawn(IP, this.#command, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const event = JSON.parse(line) as WorkEvent;
        this.events.push(event);
        if (event.type === 'work-end') this.#shards++;
      }
    });
    child.once('close', () => setTimeout(() => this.#start(), 200));
  }

  /** Kills it, unless it has only just started: on a busy machine little work would ever be done. */
  kill(): boolean {
    if (this.#shards < 8) return false;
    this.#shards = 0;
    return this.#child!.kill('SIGKILL');
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  }
}

testNetworks(
  'workers in networks of their own, of which one is killed every 2 s, and a Redis that is killed: the result of one process',
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dskd killed ü-'));
    const networks = new Networks();
    const workers: WorkerProcess[] = [];
    let redis: Redis | undefined;
    try {
      const parts = path.join(folder, 'parts');
      await mkdir(parts);
      const images = await writeSmallImages(parts, 2 * SHARDS);
      const model = await smallModel([96, 96]);
      const engine = await openEngine(model, { engine: 'tfjs', workers: 1 });
      let wanted = '';
      let index = 0;
      for await (const prediction of engine.predictEach(images))
        wanted += `${JSON.stringify({ path: images[index++], ...plainPrediction(prediction) })}\n`;
      await engine.dispose();

      networks.start();
      redis = await startRedis({
        within: [IP, 'netns', 'exec', networks.redis],
        host: networks.host,
        port: 6379,
      });
      const storage = path.join(folder, 'shared');
      const plan = await makePlan({ storage, model, images, engine: 'tfjs', shardSize: 2 });
      expect(await submit(plan.folder, redis.url)).toEqual({ shards: SHARDS, done: 0 });
      for (const network of networks.workers) workers.push(new WorkerProcess(network, redis.url));

      const started = Date.now();
      let done = 0;
      let kills = 0;
      let redisKills = 0;
      for (let turn = 0; done < SHARDS; turn++) {
        expect(Date.now() - started).toBeLessThan(200_000);
        await pause(2000);
        if (
          Array.from(workers, (_, index) => workers[(turn + index) % WORKERS]!).some((each) => each.kill())
        ) {
          kills++;
        }
        if (done > 0 && redisKills < 3 && turn % 2 === 0) {
          await redis.stop();
          await pause(500);
          await redis.start();
          redisKills++;
        }
        ({ done } = await planStatus(plan.folder));
      }
      const events = workers.flatMap((worker) => worker.events);
      const ends = events.flatMap((event) => (event.type === 'work-end' ? [event] : []));
      const seen = {
        seconds: (Date.now() - started) / 1000,
        kills,
        redisKills,
        starts: events.filter(({ type }) => type === 'work-start').length,
        ends: ends.length,
        foundDone: ends.filter(({ computed }) => computed === false).length,
        stalled: events.filter(({ type }) => type === 'work-stalled').length,
        failed: events.filter(({ type }) => type === 'work-failed').length,
      };
      console.log(seen);
      expect(seen.kills).toBeGreaterThan(3);
      expect(seen.redisKills).toBeGreaterThan(1);
      // Work was begun again, and counted once.
      expect(seen.starts).toBeGreaterThan(SHARDS);
      expect(await planStatus(plan.folder)).toEqual({ images: 2 * SHARDS, shards: SHARDS, done: SHARDS });
      let lines = '';
      expect(await collect(plan.folder, (text) => void (lines += text))).toEqual({
        images: 2 * SHARDS,
        unreadable: 0,
      });
      expect(lines).toBe(wanted);
    } finally {
      for (const worker of workers) await worker.end();
      await redis?.close();
      networks.end();
      await rm(folder, { recursive: true, force: true });
    }
  },
  240_000,
);
