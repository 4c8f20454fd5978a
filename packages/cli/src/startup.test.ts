import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnDskd } from './dskd-process.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd start-up ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** URLs of all modules that `dskd args` imports. */
async function imported(...args: string[]): Promise<string[]> {
  const list = path.join(folder, `${args.join(' ')}.txt`);
  const hook = new URL('./record-imports.test.util.js', import.meta.url).href;
  const { code } = await spawnDskd(args, { node: ['--import', hook], env: { DSKD_RECORD_IMPORTS: list } });
  expect(code).toBe(0);
  return (await readFile(list, 'utf8')).trim().split('\n');
}

const HEAVY =
  /tensorflow|onnxruntime|bullmq|ioredis|sharp|\/yaml\/|\/zod\/|(dskd|packages)\/(benchmark|core|data|detector|distillation|engine|models|onnx|queue|synthetic|training)\/|(dskd|packages)\/methods\/(?!dist\/defaults)/;

test.each([[['--help']], [['--version']]])('dskd %s loads no large modules and no parser', async (args) => {
  const modules = await imported(...args);
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
  const modules = await imported(...args);
  expect(modules.filter((module) => HEAVY.test(module))).toEqual([]);
});
