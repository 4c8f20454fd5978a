import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDskd } from './dskd-process.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd start-up ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let lists = 0;

/** URLs of all modules that `dskd args` imports until it ends with a code. */
async function imported(args: readonly string[], wanted = 0): Promise<string[]> {
  const list = path.join(folder, `${lists++}.txt`);
  const hook = new URL('./record-imports.test.util.js', import.meta.url).href;
  const { code } = await spawnDskd([...args], {
    node: ['--import', hook],
    env: { DSKD_RECORD_IMPORTS: list },
  });
  expect(code).toBe(wanted);
  return (await readFile(list, 'utf8')).trim().split('\n');
}

const HEAVY =
  /tensorflow|onnxruntime|bullmq|ioredis|sharp|\/yaml\/|\/zod\/|(dskd|packages)\/(benchmark|core|data|detector|distillation|engine|models|onnx|queue|synthetic|training)\/|(dskd|packages)\/methods\/(?!dist\/defaults)/;

test.each([[['--help']], [['--version']]])('dskd %s loads no large modules and no parser', async (args) => {
  const modules = await imported(args);
  expect(modules.some((module) => module.endsWith('/cli/dist/main.js'))).toBe(true);
  expect(modules.filter((module) => HEAVY.test(module))).toEqual([]);
  expect(modules.filter((module) => /zod|yaml/.test(module))).toEqual([]);
});

test.each([
  [['train', '--help']],
  [['train', '--help-all']],
  [['predict', '--help']],
  [['weights', '--help']],
  [['queue', '--help']],
  [['queue', 'work', '--help']],
  [['benchmark', '--help']],
  [['synth', '--help']],
  [['help', 'calibrate']],
])('dskd %j loads no large modules', async (args) => {
  const modules = await imported(args);
  expect(modules.filter((module) => HEAVY.test(module))).toEqual([]);
});

test('dskd predict loads nothing for heat maps, bars, plugins and tables before it has read the model', async () => {
  const image = path.join(folder, 'image.png');
  await writeFile(image, '');
  const modules = await imported(['predict', path.join(folder, 'none.safetensors'), image], 2);
  expect(modules.some((module) => module.endsWith('/commands/predict/run.js'))).toBe(true);
  expect(modules.some((module) => /tfjs-core/.test(module))).toBe(true);
  const unused = /(dskd|packages)\/(report|onnx)\/|cli-progress|csv-parse|import-meta-resolve/;
  expect(modules.filter((module) => unused.test(module))).toEqual([]);
});
