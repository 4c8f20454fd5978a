import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadDetector } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { useBackend } from '@dskd/test-support';
import { smallFile } from '../small-detectors.test.util.js';

const run = promisify(execFile);

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-engine-'));
  file = path.join(folder, 'part.onnx');
  await useBackend('wasm');
  const detector = await loadDetector(await smallFile({ method: 'gaussian', input: { size: [50, 74] } }));
  await writeFile(file, await exportDetector(detector));
  detector.dispose();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program in a process of its own, which has to end by itself. Returns the JSON that it prints. */
async function printed(body: string): Promise<unknown> {
  const program = path.join(folder, 'program.mjs');
  const node = new URL('../node.js', import.meta.url).href;
  const text = `import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine } from '${node}';
const file = ${JSON.stringify(file)};
const image = { data: new Uint8Array(40 * 60 * 3).fill(90), width: 60, height: 40, channels: 3 };
const threads = () => readdirSync('/proc/self/task').length;
${body}`;
  await writeFile(program, text);
  const { stdout } = await run(process.execPath, [program], { timeout: 30_000 });
  return JSON.parse(stdout.trim());
}

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('dispose leaves no thread: neither of workers nor of ONNX Runtime, also after swaps', async () => {
  const counts = (await printed(`
const counts = [];
for (let round = 0; round < 4; round++) {
  const engine = await openEngine(file, { engine: 'onnx', workers: round % 2 === 0 ? 1 : 0, threads: 3 });
  await engine.predict(image);
  await engine.swap(file);
  await engine.predict(image);
  await engine.dispose();
  await sleep(50);
  counts.push(threads());
}
console.log(JSON.stringify(counts));`)) as number[];
  // The first rounds start threads of Node itself, which stay.
  expect(counts[3]).toBeLessThanOrEqual(counts[1]!);
});

test('a program ends by itself, whether it disposes the engine or not, or it was still busy', async () => {
  const scores = await printed(`
const options = { engine: 'onnx', workers: 1, threads: 1 };
const engine = await openEngine(file, options);
const { score } = await engine.predict(image);
const busy = engine.predict(image).then((other) => console.log(JSON.stringify([score, other.score])));
// An engine that nobody waits for, and one that is disposed while it is busy.
const other = await openEngine(file, options);
other.predict(image).catch(() => undefined);
await other.dispose();`);
  expect(scores).toEqual([expect.any(Number), (scores as number[])[0]]);
});

test('a program that exits while workers compute ends with its own code', async () => {
  const large = '{ data: new Uint8Array(400 * 600 * 3).fill(90), width: 600, height: 400, channels: 3 }';
  // At several times: natively they compute only for a part of it.
  for (const milliseconds of [3, 8, 13]) {
    const ended = printed(`
const engine = await openEngine(file, { engine: 'onnx', workers: 1, threads: 1 });
for (let image = 0; image < 12; image++) engine.predict(${large}).catch(() => undefined);
setTimeout(() => process.exit(7), ${milliseconds});`);
    await expect(ended).rejects.toMatchObject({ code: 7, stderr: '' });
  }
});
