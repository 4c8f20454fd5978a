import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readExported } from '@dskd/onnx';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd export ü-'));
  ({ data, model } = await trainInstant(folder));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('writes a file beside the model, and says how near it comes to the model', async () => {
  const { code, stdout } = await dskd('export', model, '--verify', path.join(data, 'test'));
  expect(code).toBe(0);
  const out = model.replace('.safetensors', '.onnx');
  expect(stdout).toContain(`exported ${out}`);
  expect(stdout).toMatch(
    /over 4 images scores differ by \d\.\de-\d+ at most and maps by \d\.\de-\d+ of their range/,
  );
  expect(stdout).toContain('0 verdicts and 0 lists of regions differ');
  expect(readExported(await readFile(out)).description.method).toBe('instant');
});

test('--to names the file, --json gives one line', async () => {
  const to = path.join(folder, 'other.onnx');
  const { code, stdout } = await dskd(
    'export',
    model,
    '--to',
    to,
    '--masks',
    '--verify',
    path.join(data, 'test'),
    '--json',
  );
  expect(code).toBe(0);
  const { length } = await readFile(to);
  expect(jsonLines(stdout)).toEqual([
    {
      type: 'model-exported',
      path: to,
      bytes: length,
      comparison: expect.objectContaining({ images: 4, equal: true }) as object,
    },
  ]);
});

test('--external-data always writes the values beside it; info, predict and the check read both', async () => {
  const own = await mkdtemp(path.join(tmpdir(), 'dskd outside-'));
  const to = path.join(own, 'part.onnx');
  const args = [
    'export',
    model,
    '--to',
    to,
    '--external-data',
    'always',
    '--verify',
    path.join(data, 'test'),
  ];
  const { code, stdout } = await dskd(...args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/with its values in .*part\.onnx\.data, \d+\.\d MiB: keep both in one folder/);
  expect(stdout).toContain('0 verdicts and 0 lists of regions differ');
  expect((await readdir(own)).sort()).toEqual(['part.onnx', 'part.onnx.data']);
  const told = await dskd('info', to);
  expect(told.stdout).toMatch(/part\.onnx\.data, beside it: \d+\.\d+ MiB/);

  const scores = async (file: string): Promise<number[]> =>
    jsonLines((await dskd('predict', file, path.join(data, 'test'), '--engine', 'onnx')).stdout).map(
      ({ score }) => score as number,
    );
  const [got, wanted] = [await scores(to), await scores(model)];
  expect(wanted).toHaveLength(4);
  got.forEach((score, index) => expect(score / wanted[index]!).toBeCloseTo(1, 4));

  const submitted = await dskd(
    'queue',
    'submit',
    to,
    path.join(data, 'test'),
    '--storage',
    path.join(own, 'q'),
  );
  expect(submitted.stderr).toContain('a queue keeps models of one file');
  await rm(path.join(own, 'part.onnx.data'));
  const missing = await dskd('predict', to, path.join(data, 'test'));
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain(`Cannot read ${to}.data, where the values of ${to} are.`);
  await rm(own, { recursive: true });
});

test('train takes the features of the teacher from ONNX Runtime, where it is asked to, and learns the same', async () => {
  const other = await mkdtemp(path.join(tmpdir(), 'dskd teacher engine-'));
  const fast = path.join(other, 'fast.safetensors');
  const args = ['--data', data, '--method', 'padim', '--size', '32', '--hold-out', '0.3'];
  const { code, stderr } = await dskd('train', ...args, '--teacher-engine', 'onnx', '--out', fast);
  expect(code).toBe(0);
  expect(stderr).toContain("the teacher's features by ONNX Runtime");
  const plain = path.join(other, 'plain.safetensors');
  expect((await dskd('train', ...args, '--out', plain)).stderr).not.toContain('ONNX Runtime');
  const scores = async (file: string): Promise<number[]> =>
    jsonLines((await dskd('predict', file, path.join(data, 'test'))).stdout).map(
      ({ score }) => score as number,
    );
  const [wanted, got] = [await scores(plain), await scores(fast)];
  expect(got).toHaveLength(4);
  got.forEach((score, index) => expect(score / wanted[index]!).toBeCloseTo(1, 2));
  await rm(other, { recursive: true });
});

describe('what is refused leaves no file', () => {
  let files: string[];
  beforeEach(async () => (files = await readdir(folder)));
  afterEach(async () => expect(await readdir(folder)).toEqual(files));

  test('a method that cannot be exported, by its name', async () => {
    const own = await mkdtemp(path.join(tmpdir(), 'dskd spade-'));
    const spade = path.join(own, 'spade.safetensors');
    await dskd(
      'train',
      '--data',
      data,
      '--method',
      'spade',
      '--size',
      '32',
      '--hold-out',
      '0.3',
      '--out',
      spade,
    );
    const { code, stderr } = await dskd('export', spade);
    expect(code).toBe(1);
    expect(stderr).toContain('The branch local of spade cannot be exported');
    expect(stderr).toContain('instant');
    expect(await readdir(own)).toEqual(['spade.safetensors']);
    await rm(own, { recursive: true });
  });

  test('an empty folder to compare with, a model that is none, a place that cannot be written', async () => {
    const empty = await mkdtemp(path.join(tmpdir(), 'dskd none-'));
    const nothing = await dskd('export', model, '--to', path.join(folder, 'x.onnx'), '--verify', empty);
    expect(nothing.code).toBe(1);
    await writeFile(path.join(empty, 'text.safetensors'), 'no model');
    const text = await dskd('export', path.join(empty, 'text.safetensors'));
    expect(text.code).toBe(1);
    await cp(model, path.join(empty, 'model.safetensors'));
    const outside = await dskd('export', model, '--to', path.join(empty, 'model.safetensors', 'x.onnx'));
    expect(outside.code).toBe(1);
    expect(await readdir(empty)).toEqual(['model.safetensors', 'text.safetensors']);
    await rm(empty, { recursive: true });
  });
});
