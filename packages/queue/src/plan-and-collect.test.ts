import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { plainPrediction } from '@dskd/engine';
import fc from 'fast-check';
import { collect } from './collect.js';
import { DAMAGED, fakeScorer, predictionOf } from './fake-scorer.test.util.js';
import { makePlan, type PlannedWork, type PlanOptions } from './plan/make-plan.js';
import { readPlan, shardFile } from './plan/plan.js';
import { Storage } from './plan/storage.js';
import { runShards } from './shard/run-shards.js';
import { ShardRunner, type OpenScorer } from './shard/shard-runner.js';

const MODEL = Buffer.from('a model');
const { signal } = new AbortController();

let root: string;
let storage: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd queue ü-'));
  storage = path.join(root, 'shared');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Files `0.png`, `1.png`, … with these contents; null is none. */
async function images(contents: readonly (string | null)[]): Promise<string[]> {
  for (const [index, content] of contents.entries()) {
    const file = path.join(root, `${index}.png`);
    if (content === null) await rm(file, { force: true });
    else await writeFile(file, content);
  }
  return contents.map((_, index) => `${index}.png`);
}

const plan = (paths: PlanOptions['images'], options: Partial<PlanOptions> = {}): Promise<PlannedWork> =>
  makePlan({ storage, root, model: MODEL, engine: 'tfjs', images: paths, ...options });

const fake: OpenScorer = async (at, { model }) => {
  await at.kept(model, 'model');
  return fakeScorer;
};
const runner = (): ShardRunner => new ShardRunner({}, fake);

async function runAll({ folder, shards }: PlannedWork): Promise<void> {
  const run = runner();
  for (let shard = 0; shard < shards; shard++) await run.run(folder, shard, signal);
}

/** What one process prints. */
function lineOf(place: string, content: string | null): string {
  if (content === null)
    return JSON.stringify({
      path: place,
      error: { code: 'file-not-found', message: `${place}: there is no such file.` },
    });
  if (content.startsWith(DAMAGED))
    return JSON.stringify({
      path: place,
      error: { code: 'image-unreadable', message: `${place}: unsupported format.` },
    });
  return JSON.stringify({ path: place, ...plainPrediction(predictionOf(Buffer.from(content))) });
}

async function collected(folder: string): Promise<string> {
  const out = path.join(root, 'collected.jsonl');
  await collect(folder, out);
  return readFile(out, 'utf8');
}

test('any partition, order and repetition of shards collects to the bytes that one process prints', async () => {
  const content = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constant(`${DAMAGED} file`),
    fc.constant(null),
    fc.constant('the same'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { minLength: 1, maxLength: 9 }),
      fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 2 }),
      fc.infiniteStream(fc.nat()),
      async (contents, sizes, choices) => {
        await rm(storage, { recursive: true, force: true });
        const paths = await images(contents);
        const wanted = contents.map((each, index) => `${lineOf(paths[index]!, each)}\n`).join('');
        for (const shardSize of sizes) {
          const made = await plan(paths, { shardSize });
          const left = new Set(Array.from({ length: made.shards }, (_, shard) => shard));
          // Two workers; what is chosen again is done again.
          const workers = [runner(), runner()];
          let turn = 0;
          while (left.size > 0) {
            const shard = choices.next().value % made.shards;
            await Promise.all(
              turn++ % 3 === 0
                ? workers.map((each) => each.run(made.folder, shard, signal))
                : [workers[turn % 2]!.run(made.folder, shard, signal)],
            );
            left.delete(shard);
          }
          expect(await collected(made.folder)).toBe(wanted);
        }
      },
    ),
    { numRuns: 12 },
  );
});

test('planning the same again is the same plan, and a change touches the shards with it only', async () => {
  const paths = await images(['a', 'b', 'c', 'd']);
  const first = await plan(paths, { shardSize: 2 });
  expect(first).toMatchObject({ images: 4, shards: 2 });
  expect(await plan(paths, { shardSize: 2 })).toEqual(first);
  await runAll(first);
  await writeFile(path.join(root, '3.png'), 'other');
  const second = await plan(paths, { shardSize: 2 });
  expect(second.folder).not.toBe(first.folder);
  const run = runner();
  expect(await run.run(second.folder, 0, signal)).toMatchObject({ images: 2, computed: false });
  expect(await run.run(second.folder, 1, signal)).toMatchObject({ images: 2, computed: true });
  // The results of the first plan are still there.
  expect((await collected(first.folder)).split('\n')[3]).toBe(lineOf('3.png', 'd'));
});

test('another model, option or version has other results', async () => {
  const paths = await images(['a']);
  const names = new Set<string>();
  for (const change of [
    {},
    { model: Buffer.from('another') },
    { threshold: 3 },
    { minArea: 2 },
    { backend: 'cpu' },
    { engine: 'onnx' as const },
    { teacher: Buffer.from('teacher') },
    { ignoreMask: path.join(root, '0.png') },
  ]) {
    const { shards, scoring } = await readPlan((await plan(paths, change)).folder);
    names.add(shards[0]!);
    expect(scoring.versions).toMatchObject({
      '@dskd/detector': '0.0.0',
      sharp: expect.any(String) as string,
    });
  }
  expect(names.size).toBe(8);
});

test('an image that changed, vanished or appeared after it was planned is an error that names it', async () => {
  const paths = await images(['a', 'b', null]);
  const { folder } = await plan(paths, { shardSize: 1 });
  await writeFile(path.join(root, '0.png'), 'changed');
  await rm(path.join(root, '1.png'));
  await writeFile(path.join(root, '2.png'), 'new');
  for (const [shard, message] of [
    [
      0,
      /^0\.png has changed since it was submitted: got the SHA-256 [0-9a-f]{64}, wanted the SHA-256 ca978112/,
    ],
    [1, /^1\.png has changed since it was submitted: got no file, wanted the SHA-256/],
    [
      2,
      /^2\.png has changed since it was submitted: got the SHA-256 .*, wanted a file that cannot be read\.$/,
    ],
  ] as const) {
    await expect(runner().run(folder, shard, signal)).rejects.toMatchObject({
      code: 'dataset-invalid',
      message: expect.stringMatching(message) as string,
      hint: 'Submit the images again: shards without a change keep their results.',
    });
  }
  await expect(collect(folder, path.join(root, 'out'))).rejects.toMatchObject({
    code: 'file-not-found',
    message: '3 of 3 shards have no result yet: 0, 1, 2.',
  });
});

test('a model that is replaced after it was submitted changes nothing; a damaged copy is an error', async () => {
  const model = path.join(root, 'model.safetensors');
  await writeFile(model, MODEL);
  const made = await plan(await images(['a', 'b']), { shardSize: 1, model });
  await writeFile(model, 'trained again');
  await runner().run(made.folder, 0, signal);
  const { scoring } = await readPlan(made.folder);
  await writeFile(path.join(storage, 'files', scoring.model), 'damaged');
  await expect(runner().run(made.folder, 1, signal)).rejects.toMatchObject({
    code: 'artifact-invalid',
    message: expect.stringMatching(
      /^The model .* is not the one of the plan: got the SHA-256 .*, wanted [0-9a-f]{64}\.$/,
    ) as string,
    hint: expect.stringContaining('Submit again') as string,
  });
  await plan(await images(['a', 'b']), { shardSize: 1, model: MODEL });
  await runAll(made);
  expect((await collected(made.folder)).split('\n').length).toBe(3);
});

test('a worker with other versions refuses the work and names both', async () => {
  const { folder } = await plan(await images(['a']));
  const file = path.join(folder, 'plan.json');
  const edited = JSON.parse(await readFile(file, 'utf8')) as {
    scoring: { versions: Record<string, string> };
  };
  const { versions } = edited.scoring;
  versions['@dskd/detector'] = '7.0.0';
  const remade = await plan(await images(['a']));
  await writeFile(path.join(remade.folder, 'plan.json'), JSON.stringify(edited));
  // Its shards do not belong to these versions either.
  await expect(runShards(remade.folder, { index: 0 })).rejects.toMatchObject({ code: 'artifact-invalid' });
  const { assertVersions } = await import('./plan/versions.js');
  expect(() => assertVersions(versions, 'tfjs')).toThrow(
    'This worker has @dskd/detector 0.0.0; the plan was made with @dskd/detector 7.0.0.',
  );
});

test('a damaged result or shard is not collected', async () => {
  const made = await plan(await images(['a', 'b']));
  await runAll(made);
  const { shards } = await readPlan(made.folder);
  const file = new Storage(storage).resultFile(shards[0]!);
  const good = await readFile(file, 'utf8');
  const [first, second] = good.split('\n') as [string, string];
  for (const [text, message] of [
    [`${first}\n`, 'got 1 lines, wanted 2'],
    [good.trimEnd(), 'wanted 2, each with its end'],
    [`${second}\n${first}\n`, 'line 1 is of 1.png, wanted 0.png'],
    [`${first}\n{\n`, 'line 2 is not JSON'],
  ] as const) {
    await writeFile(file, text);
    await expect(collected(made.folder)).rejects.toThrow(message);
  }
  await writeFile(file, good);
  const out = path.join(root, 'out.jsonl');
  expect(await collect(made.folder, out)).toEqual({ images: 2, unreadable: 0 });
  await writeFile(shardFile(made.folder, 0), '{"images":[]}');
  await expect(collect(made.folder, out)).rejects.toThrow('has other images than the plan');
  expect(await readFile(out, 'utf8')).toBe(good);
});

test('wrong options are refused, and name what was got', async () => {
  const paths = await images(['a']);
  await expect(plan([])).rejects.toThrow('No images are given.');
  await expect(plan(paths, { shardSize: 0 })).rejects.toThrow('Got shardSize 0, wanted a positive integer.');
  await expect(plan(paths, { model: 'none.safetensors' })).rejects.toMatchObject({ code: 'file-not-found' });
  await expect(plan([{ path: '0.png', sha256: 'abc' }])).rejects.toThrow('Got "abc" as the SHA-256 of 0.png');
  for (const url of ['ftp://host/a.png', 'http://', 's3://bucket/key'])
    await expect(plan([url])).rejects.toThrow(
      `Got the URL ${url}; wanted http://HOST/PATH or https://HOST/PATH.`,
    );
  const { folder } = await plan(paths);
  await expect(runShards(folder, { index: 1 })).rejects.toThrow('Got the part 1 of 1; wanted one of 0 to 0.');
  await expect(runner().run(folder, 4, signal)).rejects.toThrow('Got the shard 4;');
  await expect(readPlan(root)).rejects.toMatchObject({
    code: 'file-not-found',
    hint: expect.stringContaining('Give the folder that submitting printed') as string,
  });
  await rename(path.join(folder, 'plan.json'), path.join(folder, 'other.json'));
  await writeFile(path.join(folder, 'plan.json'), '{"format": 2}');
  await expect(readPlan(folder)).rejects.toMatchObject({ code: 'artifact-invalid' });
});

describe('images by URL', () => {
  const answers: Record<string, readonly [status: number, body: string][]> = {
    '/a.png': [[200, 'an image']],
    '/damaged.png': [[200, DAMAGED]],
    '/gone.png': [[404, 'none']],
    '/busy.png': [
      [503, 'later'],
      [200, 'an image'],
    ],
  };
  const asked: Record<string, number> = {};
  const server = createServer(({ url }, response) => {
    const turns = answers[url!]!;
    const times = asked[url!] ?? 0;
    asked[url!] = times + 1;
    const [status, body] = turns[Math.min(times, turns.length - 1)]!;
    response.writeHead(status).end(body);
  });
  let base: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('are scored as files are; what is refused for good has its line, what may pass is asked for again', async () => {
    const urls = Object.keys(answers).map((name) => base + name);
    const made = await plan(urls);
    await runAll(made);
    const lines = (await collected(made.folder))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; score?: number; error?: { message: string } });
    const { score } = predictionOf(Buffer.from('an image'));
    expect(lines.map(({ path: url }) => url)).toEqual(urls);
    expect(lines.map((line) => line.score)).toEqual([score, undefined, undefined, score]);
    expect(lines[2]!.error).toEqual({
      code: 'download-failed',
      message: `${base}/gone.png: HTTP status 404.`,
    });
    expect(asked['/busy.png']).toBe(2);
  });

  test('other bytes than those with the given hash are an error', async () => {
    const url = `${base}/a.png`;
    const { folder } = await plan([{ path: url, sha256: '0'.repeat(64) }]);
    await expect(runner().run(folder, 0, signal)).rejects.toThrow(
      `${url} has changed since it was submitted`,
    );
  });

  test('a host that is not reached fails the shard, not the image', async () => {
    const { folder } = await plan(['http://127.0.0.1:9/a.png']);
    await expect(runner().run(folder, 0, signal)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/^Got no image from http:\/\/127\.0\.0\.1:9\/a\.png: /) as string,
    });
  });
});
