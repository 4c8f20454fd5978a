import { rm } from 'node:fs/promises';
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
