import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { trainInstant } from './instant-model.test.util.js';

let folder: string;
let data: string;
let model: string;
let exported: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd engines ü-'));
  ({ data, model } = await trainInstant(folder));
  exported = path.join(folder, 'model.onnx');
  await selectBackend('wasm');
  const detector = await loadDetector(await readFile(model));
  await writeFile(exported, await exportDetector(detector));
  detector.dispose();
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Line {
  readonly path: string;
  readonly score: number;
  readonly verdict: string;
}

async function scored(...args: string[]): Promise<{ readonly lines: Line[]; readonly stderr: string }> {
  const { code, stdout, stderr } = await dskd('predict', ...args, path.join(data, 'test'));
  expect(code).toBe(0);
  return { lines: jsonLines(stdout) as unknown as Line[], stderr };
}

test('every engine, here and in workers, gives the same verdicts in the same order', async () => {
  const wanted = await scored(model, '--engine', 'tfjs');
  expect(wanted.lines.length).toBeGreaterThan(2);
  expect(wanted.stderr).toBe('');
  expect(await scored(model, '--engine', 'tfjs', '--workers', '2')).toEqual(wanted);
  for (const args of [
    [model, '--workers', '1'],
    [model, '--engine', 'onnx', '--workers', '2', '--threads', '1'],
    [exported, '--workers', '1'],
  ]) {
    const { lines, stderr } = await scored(...args);
    expect(lines.map((line) => [line.path, line.verdict])).toEqual(
      wanted.lines.map((line) => [line.path, line.verdict]),
    );
    for (const [index, { score }] of lines.entries())
      expect(score / wanted.lines[index]!.score).toBeCloseTo(1, 3);
    expect(stderr).toMatch(args.includes('onnx') ? /^$/ : /^engine onnx, .*: .+\n$/);
  }
});

test('for a few images auto computes with TensorFlow.js, and says why', async () => {
  const { lines, stderr } = await scored(model);
  expect(lines).toEqual((await scored(model, '--engine', 'tfjs')).lines);
  expect(stderr).toMatch(/^engine tfjs, .*: of fewer than 16 images an export .+\n$/);
});

test('with --out heat maps are written, and an unreadable file has its line at its place', async () => {
  const broken = path.join(folder, 'broken.png');
  await writeFile(broken, 'no image');
  const spot = path.join(data, 'test/spot/000.png');
  const other = path.join(data, 'test/good/001.png');
  const out = path.join(folder, 'maps');
  for (const args of [[], ['--workers', '1'], ['--out', out]]) {
    const { code, stdout, stderr } = await dskd('predict', exported, spot, broken, other, ...args);
    expect(code).toBe(1);
    expect(stderr).toContain('1 of 3 images could not be read');
    const lines = jsonLines(stdout);
    expect(lines.map(({ path: file }) => file)).toEqual([broken, other, spot]);
    expect(lines[0]).toMatchObject({ error: { code: 'image-unreadable' } });
  }
  expect((await readFile(path.join(out, '000.overlay.png'))).length).toBeGreaterThan(100);
});

test('--explain needs the model itself: an ONNX file, the engine onnx and workers are refused', async () => {
  for (const [args, named] of [
    [[exported], 'model.onnx'],
    [[model, '--engine', 'onnx'], '--engine onnx'],
    [[model, '--workers', '1'], '--workers 1'],
  ] as const) {
    const { code, stderr } = await dskd('predict', ...args, path.join(data, 'test'), '--explain');
    expect(code).toBe(2);
    expect(stderr).toContain('Got --explain with');
    expect(stderr).toContain(named);
    expect(stderr).toContain('leave --explain out');
  }
  const refused = await dskd('predict', exported, path.join(data, 'test'), '--engine', 'tfjs');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('Got an ONNX file for the engine tfjs');
});

test('info prints the description of an ONNX file, and the inputs and outputs of its graph', async () => {
  const { code, stdout } = await dskd('info', exported);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^method +instant$/m);
  expect(stdout).toMatch(/^input +images +uint8 +batch x 32 x 32 x 3$/m);
  expect(stdout).toMatch(/^output +anomaly_map +float32 +batch x 32 x 32$/m);
  const [machine] = jsonLines((await dskd('info', exported, '--json')).stdout);
  expect(machine).toMatchObject({
    method: 'instant',
    inputs: [{ name: 'images', type: 'uint8', shape: ['batch', 32, 32, 3] }],
  });
  expect((machine!.outputs as { name: string }[]).map(({ name }) => name)).toContain('score.local');
  const words = path.join(folder, 'words.onnx');
  await writeFile(words, 'no model');
  const refused = await dskd('info', words);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('no ONNX file');
});

test('doctor shows ONNX Runtime and what a container allows', async () => {
  const [machine] = jsonLines((await dskd('doctor', '--json')).stdout);
  expect(machine).toMatchObject({
    onnxruntime: expect.stringMatching(/^\d+\.\d+/) as string,
  });
  // Null where nothing limits the process.
  expect(Object.keys(machine!.cgroup as object)).toEqual(['cores', 'memoryGiB']);
  const { stdout } = await dskd('doctor');
  expect(stdout).toMatch(/^onnxruntime +\d+\.\d+/m);
  expect(stdout).toMatch(/^cgroup +.*cores, .*(memory|GiB)$/m);
});
