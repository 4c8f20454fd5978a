import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd queue ü-'));
  ({ data, model } = await trainInstant(folder));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a folder in parts without Redis: collect prints the bytes of dskd predict, and ends as it does', async () => {
  const damaged = path.join(data, 'test/good/damaged.png');
  await writeFile(damaged, 'no image');
  const images = [path.join(data, 'test'), path.join(data, 'none.png')];
  const scoring = ['--engine', 'tfjs', '--threshold', '3', '--min-area', '2'];
  const wanted = await dskd('predict', model, ...images, ...scoring);
  expect(wanted.code).toBe(1);
  expect(jsonLines(wanted.stdout).filter(({ error }) => error !== undefined)).toMatchObject([
    { path: path.join(data, 'none.png'), error: { code: 'file-not-found' } },
    { path: damaged, error: { code: 'image-unreadable' } },
  ]);
  const storage = path.join(folder, 'shared');
  const submitting = ['queue', 'submit', model, ...images, ...scoring, '--storage', storage];
  const submitted = await dskd(...submitting, '--shard-size', '3', '--json');
  expect(submitted.code).toBe(0);
  const [plan] = jsonLines(submitted.stdout) as { plan: string; images: number; shards: number }[];
  expect(plan).toMatchObject({ type: 'plan', engine: 'tfjs', shards: Math.ceil(plan!.images / 3) });
  const early = await dskd('queue', 'collect', plan!.plan);
  expect([early.code, early.stdout]).toEqual([2, '']);
  expect(early.stderr).toContain(`${plan!.shards} of ${plan!.shards} shards have no result yet: 0, 1`);
  const worked = await dskd('queue', 'work', plan!.plan, '--shard', '0', '--of', '1', '--workers', '1');
  expect(worked.stderr.trim().split('\n').length).toBe(plan!.shards);
  expect((await dskd('queue', 'status', plan!.plan)).stdout).toBe(
    `${plan!.shards} of ${plan!.shards} shards done, of ${plan!.images} images\n`,
  );
  const collected = await dskd('queue', 'collect', plan!.plan);
  expect(collected).toEqual(wanted);
}, 60_000);

test('what is missing or wrong is named, with what to do', async () => {
  const storage = ['--storage', path.join(folder, 'other')];
  const list = path.join(folder, 'list.txt');
  await writeFile(list, 'a.png\n{"path": 7}\n');
  const image = path.join(data, 'test');
  for (const [args, code, ...messages] of [
    [['submit', model, image], 2, '--storage <dir> is missing'],
    [['submit', model, ...storage], 2, 'No images are given.', '--list FILE'],
    [['submit', model, ...storage, '--list', list], 2, `${list}:2: got {"path": 7}, wanted {"path": …}`],
    [
      ['submit', model, 'ftp://host/a.png', ...storage],
      2,
      'Got the URL ftp://host/a.png; wanted http://HOST/PATH',
    ],
    [
      ['submit', model, image, ...storage, '--on', 'localhost'],
      2,
      'an address that is no URL',
      'redis://localhost:6379',
    ],
    [
      ['submit', model, image, ...storage, '--on', 'redis://127.0.0.1:9'],
      1,
      'The Redis 127.0.0.1:9 does not answer',
    ],
    [['submit', list, image, ...storage], 1, 'safetensors'],
    [['work'], 2, 'Got neither a queue nor a plan.', '--on redis://HOST:PORT'],
    [['work', folder], 2, 'not which part of it', '--shard NUMBER'],
    [['work', folder, '--shard', '0'], 2, 'Cannot read the plan', 'Give the folder that submitting printed'],
    [['status', folder], 2, 'Cannot read the plan'],
    [['collect', folder], 2, 'Cannot read the plan'],
  ] as const) {
    const outcome = await dskd('queue', ...args);
    for (const message of messages) expect(outcome.stderr).toContain(message);
    expect([args, outcome.code]).toEqual([args, code]);
  }
  const processes = await dskd('benchmark', 'none.yaml', '--on', 'redis://h', '--processes', '2');
  expect(processes.code).toBe(2);
}, 60_000);
