import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dskd, jsonLines } from './dskd-process.test.util.js';
import { writeEngineFiles } from './engine-files.test.util.js';

let folder: string;
let data: string;
let model: string;
let exported: string;

beforeAll(async () => {
  ({ folder, data, model, exported } = await writeEngineFiles());
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

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
