import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfigFile } from './config-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd config ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(text: string): Promise<string> {
  const file = path.join(folder, 'dskd.yaml');
  await writeFile(file, text);
  return file;
}

test('YAML with comments, and the position of each option', async () => {
  const file = await written('# a comment\nepochs: 3 # three\n\nsize: [64, 96]\n');
  const config = await readConfigFile(file);
  expect(config.values).toEqual({ epochs: 3, size: [64, 96] });
  expect(config.placeOf('size', 'key')).toBe(`${file}:4:1`);
  expect(config.placeOf('epochs', 'value')).toBe(`${file}:2:9`);
});

test('reads JSON too, and ignores its $schema', async () => {
  const file = await written('{\n  "$schema": "./train.json",\n  "epochs": 3\n}\n');
  expect((await readConfigFile(file)).values).toEqual({ epochs: 3 });
});

test('an empty file or one with comments only sets no options', async () => {
  expect((await readConfigFile(await written(''))).values).toEqual({});
  expect((await readConfigFile(await written('# nothing\n'))).values).toEqual({});
});

test.each([
  ['epochs: [1, 2', 'Not valid YAML'],
  ['epochs: 1\nepochs: 2\n', ':2:1: Map keys must be unique'],
  ['just words', ':1:1: got a single value or a list'],
  ['- epochs\n', 'got a single value or a list'],
])('refuses %j with its position', async (text, message) => {
  const file = await written(text);
  await expect(readConfigFile(file)).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining(message) as string,
  });
  await expect(readConfigFile(file)).rejects.toThrow(file);
});

test('reports a missing file', async () => {
  await expect(readConfigFile(path.join(folder, 'absent.yaml'))).rejects.toMatchObject({
    code: 'file-not-found',
    hint: 'dskd init writes one.',
  });
});

test('refuses aliases that would expand to an excessive size', async () => {
  const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}*a${i}]`);
  const file = await written(['a0: &a0 [x]', ...levels].join('\n'));
  await expect(readConfigFile(file)).rejects.toMatchObject({ code: 'invalid-config' });
});
