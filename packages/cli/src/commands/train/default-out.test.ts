import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { outOf } from './training-options.js';

let folder: string;
const before = process.cwd();
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-out-'));
  process.chdir(folder);
});
afterEach(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
});

test('a model has a default name, and replaces an existing file only if --out names it', async () => {
  expect(outOf(undefined)).toBe('model.safetensors');
  await writeFile('model.safetensors', 'of yesterday');
  expect(() => outOf(undefined)).toThrow('There is a file model.safetensors already.');
  expect(outOf('model.safetensors')).toBe('model.safetensors');
});
