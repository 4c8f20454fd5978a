import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fillFolder, RECORD } from './output-folder.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd-demo-'));
});
afterEach(() => rm(root, { recursive: true }));

const fillWith = (text: string) => async (folder: string) => {
  await writeFile(path.join(folder, RECORD), text);
};

test('a folder appears when it is complete, and replaces an earlier one whole', async () => {
  const target = path.join(root, 'demo');
  await fillFolder(target, async (folder) => {
    await fillWith('first')(folder);
    await writeFile(path.join(folder, 'only-in-the-first'), '');
    expect(await readdir(root)).not.toContain('demo');
  });
  await fillFolder(target, fillWith('second'));
  expect(await readdir(root)).toEqual(['demo']);
  expect(await readdir(target)).toEqual([RECORD]);
  expect(await readFile(path.join(target, RECORD), 'utf8')).toBe('second');
});

test('where filling fails the earlier folder stays, and nothing else', async () => {
  const target = path.join(root, 'demo');
  await fillFolder(target, fillWith('first'));
  const failing = fillFolder(target, async (folder) => {
    await fillWith('half')(folder);
    throw new Error('the disk is full');
  });
  await expect(failing).rejects.toThrow('the disk is full');
  expect(await readdir(root)).toEqual(['demo']);
  expect(await readFile(path.join(target, RECORD), 'utf8')).toBe('first');
});

test('a folder that is no demo is refused before the work', async () => {
  const target = path.join(root, 'holidays');
  await mkdir(target);
  await writeFile(path.join(target, 'photo.png'), '');
  const filled = fillFolder(target, () => Promise.reject(new Error('it worked')));
  await expect(filled).rejects.toThrow('holds something else than a demo');
  expect(await readdir(target)).toEqual(['photo.png']);
});
