import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redisMissing, startRedis, type Redis } from '@dskd/test-support';
import { parse } from 'yaml';
import { BIN, jsonLines, spawnDskd, type Outcome } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

if (redisMissing !== undefined) console.log(`SKIPPED: dskd queue with Redis: ${redisMissing}`);
const describeRedis = redisMissing === undefined ? describe : describe.skip;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd queue ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Without how long trainings took. */
const readTable = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8')).replace(/"seconds": [\d.e+-]+/g, '"seconds": 0');

async function succeeded(outcome: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await outcome;
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

describeRedis('with Redis', () => {
  let redis: Redis;
  const workers: ChildProcess[] = [];
  beforeAll(async () => {
    redis = await startRedis({ options: ['--appendonly', 'yes', '--requirepass', 'secret'] });
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      const ended = new Promise((resolve) => worker.once('close', resolve));
      if (worker.exitCode !== null) continue;
      worker.kill('SIGTERM');
      const late = setTimeout(() => worker.kill('SIGKILL'), 30_000);
      expect(await ended).toBe(0);
      clearTimeout(late);
    }
  });
  afterAll(() => redis.close());

  const env = { DSKD_REDIS_PASSWORD: 'secret' };
  const run = (cwd: string, ...args: string[]): Promise<Outcome> => spawnDskd(args, { cwd, env });

  /** A worker in another working folder. */
  function startWorker(...args: string[]): void {
    const command = [BIN, 'queue', 'work', '--on', redis.url, ...args];
    workers.push(
      spawn(process.execPath, command, { cwd: '/', stdio: 'ignore', env: { ...process.env, ...env } }),
    );
  }

  test('the lines of two workers, and those of the pods of the manifest, are those of dskd predict', async () => {
    await trainInstant(folder);
    await writeFile(path.join(folder, 'parts/test/damaged.png'), 'no image');
    await mkdir(path.join(folder, 'shared'));
    const images = ['model.safetensors', 'parts', 'none.png'];
    // As many as let auto take ONNX Runtime.
    const wanted = await run(folder, 'predict', ...images);
    expect(wanted.code).toBe(1);
    expect(wanted.stderr).toContain('engine onnx');
    startWorker('--workers', '1');
    startWorker('--workers', '2');
    const submitted = await run(
      folder,
      ...['queue', 'submit', ...images, '--storage', 'shared', '--on', redis.url, '--shard-size', '2'],
      ...['--manifest', 'job.yaml', '--mount', '.', '--parts', '3'],
    );
    expect(submitted.stderr).toMatch(/engine onnx: 0 done, \d+ queued\n$/);
    const plan = submitted.stdout.trim();
    const watched = await succeeded(
      run('/', 'queue', 'status', plan, '--on', redis.url, '--watch', '--json'),
    );
    expect(jsonLines(watched).at(-1)).toMatchObject({
      type: 'queue-status',
      queue: { active: 0, waiting: 0, failed: [], workers: 2 },
    });
    const collected = await run('/', 'queue', 'collect', plan, '--out', path.join(folder, 'all.jsonl'));
    expect(collected.code).toBe(1);
    expect(await readFile(path.join(folder, 'all.jsonl'), 'utf8')).toBe(wanted.stdout);

    await rm(path.join(folder, 'shared/results'), { recursive: true });
    const job = parse(await readFile(path.join(folder, 'job.yaml'), 'utf8')) as {
      spec: {
        completions: number;
        template: { spec: { containers: { command: string[]; args: string[] }[] } };
      };
    };
    const [{ command, args }] = job.spec.template.spec.containers as [{ command: string[]; args: string[] }];
    expect([job.spec.completions, command]).toEqual([3, ['dskd']]);
    for (let index = 0; index < 3; index++)
      await succeeded(spawnDskd(args, { cwd: '/', env: { JOB_COMPLETION_INDEX: String(index) } }));
    expect((await run('/', 'queue', 'collect', plan)).stdout).toBe(wanted.stdout);
  }, 180_000);

  test('a benchmark on workers makes the tables of one in processes', async () => {
    const grid = {
      data: { synthetic: { train: 10, validation: 6, test: 9, size: 128 } },
      categories: ['tray'],
      seeds: [1],
      tables: ['table1', 'table2'],
      settings: { size: 64, preset: 'nano', epochs: 1, batchSize: 4 },
    };
    await writeFile(path.join(folder, 'grid.yaml'), JSON.stringify(grid));
    await succeeded(run(folder, 'benchmark', 'grid.yaml', '--results', 'here', '--processes', '2'));
    startWorker('--benchmark');
    startWorker('--benchmark');
    const events = await succeeded(
      run(folder, 'benchmark', 'grid.yaml', '--results', 'there', '--on', redis.url, '--json'),
    );
    expect(jsonLines(events).at(-1)).toMatchObject({
      type: 'benchmark-results',
      cells: { all: 2, trained: 2 },
      failures: [],
    });
    for (const name of ['tables.md', 'tables.csv', 'single-values.csv', 'results.json']) {
      const [here, there] = await Promise.all(
        ['here', 'there'].map((results) => readTable(path.join(folder, results, name))),
      );
      expect(there).toBe(here);
      expect(here!.length).toBeGreaterThan(100);
    }
  }, 300_000);
});
