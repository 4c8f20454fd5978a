import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '@dskd/data/node';
import { writeDataset, writeTeacher } from './made-up-dataset.test.util.js';
import { VERSION } from './version.js';

const BIN = fileURLToPath(new URL('../bin/dskd.js', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function dskd(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

let folder: string;
let data: string;
let weights: string;
let model: string;
let trained: Outcome;

const train = (out: string, ...more: string[]): string[] =>
  ['train', '--data', data, '--teacher', 'squeezenet1_1', '--weights', weights, '--out', out].concat(
    ['--size', '32', '--preset', 'nano', '--epochs', '2', '--batch-size', '3', '--reestimate-batch-norm'],
    more,
  );

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd cli ü-'));
  data = path.join(folder, 'good parts');
  weights = path.join(folder, 'teacher.safetensors');
  model = path.join(folder, 'model.safetensors');
  await writeDataset(data);
  await writeTeacher(weights);
  trained = await dskd(...train(model));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('train says what it read, what it does, and what it saved', () => {
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('train');
  expect(trained.stderr).toMatch(/epoch 2: local \S+ {2}global \S+/);
  expect(trained.stderr).not.toContain('\r');
  expect(trained.stdout).toContain(`saved ${model}`);
  expect(trained.stdout).toContain('no rate below 0.500 can be promised');
});

test('--json gives one event a line; one thread gives the file of two', async () => {
  const out = path.join(folder, 'again.safetensors');
  const { code, stdout } = await dskd(...train(out, '--json', '--no-workers'));
  expect(code).toBe(0);
  const types = jsonLines(stdout).map(({ type }) => type);
  expect(types).toEqual(
    expect.arrayContaining(['training-start', 'step-end', 'epoch-end', 'calibration-start']),
  );
  expect(types.at(-1)).toBe('model-saved');
  expect(Buffer.compare(await readFile(out), await readFile(model))).toBe(0);
});

test('evaluate prints tables, --json the result, --out a file of all scores', async () => {
  const out = path.join(folder, 'result.json');
  const human = await dskd('evaluate', model, '--data', data, '--out', out);
  expect(human.code).toBe(0);
  expect(human.stdout).toContain('2 good and 2 anomalous test pictures, 2 with a mask');
  expect(human.stdout).toMatch(/fused +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+/);
  const machine = await dskd('evaluate', model, '--data', data, '--json');
  expect(JSON.parse(machine.stdout)).toEqual(JSON.parse(await readFile(out, 'utf8')));
});

test('predict prints a line of JSON a picture and writes overlays of the picture’s size', async () => {
  const out = path.join(folder, 'heat maps');
  const { code, stdout } = await dskd('predict', model, path.join(data, 'test'), '--out', out);
  expect(code).toBe(0);
  const lines = jsonLines(stdout);
  expect(lines).toHaveLength(4);
  for (const line of lines) {
    expect(line).toMatchObject({ verdict: expect.stringMatching(/^(normal|anomalous)$/) as string });
    expect(line.verdict === 'anomalous').toBe((line.score as number) > (line.threshold as number));
  }
  const files = await readdir(out);
  expect(files.sort()).toEqual([
    '000-2.overlay.png',
    '000.overlay.png',
    '001-2.overlay.png',
    '001.overlay.png',
  ]);
  expect(await decodeImage(path.join(out, '000.overlay.png'))).toMatchObject({ width: 40, height: 40 });
});

test('a picture below the scale is left as it is', async () => {
  const out = path.join(folder, 'cold');
  const file = path.join(data, 'test/good/000.png');
  await dskd('predict', model, file, '--out', out, '--threshold', '1000000');
  const overlay = await decodeImage(path.join(out, '000.overlay.png'));
  const picture = await decodeImage(file);
  const furthest = Math.max(...Array.from(overlay.data, (value, i) => Math.abs(value - picture.data[i]!)));
  expect(furthest).toBeLessThanOrEqual(1);
});

test('info prints the description, --json all of it', async () => {
  const human = await dskd('info', model);
  expect(human.stdout).toContain('squeezenet1_1, in the file');
  const machine = await dskd('info', model, '--json');
  expect(JSON.parse(machine.stdout)).toMatchObject({
    format: 1,
    inputSize: [32, 32],
    training: { epochs: 2 },
  });
});

test('a model without its teacher asks for it, and takes only the right one', async () => {
  const out = path.join(folder, 'small.safetensors');
  await dskd(...train(out, '--no-embed-teacher', '--epochs', '1'));
  const file = path.join(data, 'test/good/000.png');
  const without = await dskd('predict', out, file);
  expect(without.code).toBe(1);
  expect(without.stderr).toContain('--weights FILE');
  expect((await dskd('predict', out, file, '--weights', weights)).code).toBe(0);
});

test('Ctrl-C saves a checkpoint; the same command goes on to the same file', async () => {
  const out = path.join(folder, 'resumed.safetensors');
  const args = train(out, '--checkpoint', path.join(folder, 'run.checkpoint'), '--json');
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('"step-end"')) child.kill('SIGINT');
    });
    child.on('exit', resolve);
  });
  expect(code).toBe(130);
  expect((await readdir(folder)).filter((name) => name.startsWith('resumed'))).toEqual([]);
  expect((await dskd(...args)).code).toBe(0);
  expect(Buffer.compare(await readFile(out), await readFile(model))).toBe(0);
});

test('doctor names the backends', async () => {
  const { code, stdout } = await dskd('doctor', '--json');
  expect(code).toBe(0);
  const { backends, dskd: version } = JSON.parse(stdout) as {
    backends: { name: string; available: boolean }[];
    dskd: string;
  };
  expect(version).toBe(VERSION);
  expect(backends.find(({ name }) => name === 'wasm')?.available).toBe(true);
});

describe('wrong use', () => {
  test.each([
    [['train'], 2, 'required option'],
    [['nonsense'], 2, 'unknown command'],
    [['info', 'no such file'], 2, 'Cannot read no such file'],
    [['predict', 'no such model', 'x.png'], 2, 'x.png'],
  ])('%j', async (args, code, message) => {
    const outcome = await dskd(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });

  test('a folder of pictures that are not', async () => {
    const bad = path.join(folder, 'bad');
    await writeDataset(bad);
    await writeFile(path.join(bad, 'train/good/words.png'), 'not a picture');
    await rm(path.join(bad, 'ground_truth/spot/001_mask.png'));
    const { code, stderr } = await dskd(...train(model).with(2, bad));
    expect(code).toBe(1);
    expect(stderr).toContain('words.png');
    expect(stderr).toContain('test/spot/001.png');
  });

  test('a teacher there is not, sizes that are not', async () => {
    expect((await dskd(...train(model).with(4, 'resnet9000'))).stderr).toContain('squeezenet1_1');
    const outcome = await dskd(...train(model), '--size', 'large');
    expect(outcome.stderr).toContain('320x192');
    expect(outcome.code).toBe(2);
  });
});

test('the version is that of package.json', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
  expect((await dskd('--version')).stdout.trim()).toBe(VERSION);
});
