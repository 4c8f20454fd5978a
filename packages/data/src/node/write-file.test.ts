import { open, readdir, readFile, rm, utimes, type FileHandle } from 'node:fs/promises';
import type { DskdError } from '@dskd/base';
import { jest } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { freeSpace } from './free-space.js';
import { assertWritable, writeFileAtomically } from './write-file.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

test('makes folders, replaces files, leaves no other files', async () => {
  const file = `${folder.root}/a/b/model.bin`;
  await writeFileAtomically(file, 'old');
  await writeFileAtomically(file, Uint8Array.of(1, 2, 3));
  expect([...(await readFile(file))]).toEqual([1, 2, 3]);
  expect(await readdir(`${folder.root}/a/b`)).toEqual(['model.bin']);
});

test('a failure leaves neither a change nor a temporary file', async () => {
  await folder.write({ 'target/inside.txt': 'kept' });
  await expect(writeFileAtomically(`${folder.root}/target`, 'x')).rejects.toMatchObject({
    code: 'file-not-writable',
  });
  expect(await readdir(folder.root)).toEqual(['target']);
  expect(await readFile(`${folder.root}/target/inside.txt`, 'utf8')).toBe('kept');
});

test('checks beforehand whether a file can be written, and leaves nothing behind', async () => {
  await folder.write({ 'target/inside.txt': 'kept' });
  for (const file of ['target', 'target/inside.txt/model.bin']) {
    await expect(assertWritable(`${folder.root}/${file}`)).rejects.toMatchObject({
      code: 'file-not-writable',
      message: expect.stringMatching(/^Cannot write .*target/) as string,
    });
  }
  await assertWritable(`${folder.root}/target/inside.txt`);
  await assertWritable(`${folder.root}/new/model.bin`);
  expect(await readFile(`${folder.root}/target/inside.txt`, 'utf8')).toBe('kept');
  expect([await readdir(`${folder.root}/target`), await readdir(`${folder.root}/new`)]).toEqual([
    ['inside.txt'],
    [],
  ]);
  await expect(assertWritable(`${folder.root}/target/inside.txt/model.bin`)).rejects.toMatchObject({
    code: 'file-not-writable',
  });
});

test('concurrent writers to one path: the file is complete and from one of them', async () => {
  const file = `${folder.root}/model.bin`;
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => writeFileAtomically(file, String(index).repeat(100_000))),
  );
  const content = await readFile(file, 'utf8');
  expect(content).toBe(content[0]!.repeat(100_000));
  expect(await readdir(folder.root)).toEqual(['model.bin']);
});

test('temporary files of killed writers are removed after an hour; other files are kept', async () => {
  const names = [
    '.model.bin.0123456789ab.tmp',
    '.model.bin.ba9876543210.tmp',
    '.model.bin.notes.tmp',
    'model.bin.0123456789ab.tmp',
  ];
  await folder.write(Object.fromEntries(names.map((name) => [name, 'half'])));
  const longAgo = new Date(Date.now() - 61 * 60 * 1000);
  for (const name of names.filter((each) => !each.includes('ba98'))) {
    await utimes(`${folder.root}/${name}`, longAgo, longAgo);
  }
  await writeFileAtomically(`${folder.root}/model.bin`, 'whole');
  expect((await readdir(folder.root)).sort()).toEqual([...names.slice(1), 'model.bin'].sort());
});

/** As the system reports a full disk, in the next write of any open file. */
async function fillDiskOnce(): Promise<void> {
  const handle = await open(`${folder.root}/probe`, 'w');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  await rm(`${folder.root}/probe`);
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  jest.spyOn(prototype, 'writeFile').mockRejectedValueOnce(error);
}

test('a full disk: the content goes to the other folder, under a new name, and the error says where', async () => {
  await folder.write({
    'models/model.safetensors': 'of yesterday',
    'tmp/model.safetensors': 'of somebody else',
  });
  const file = `${folder.root}/models/model.safetensors`;
  const fallback = `${folder.root}/tmp`;
  await fillDiskOnce();
  const error = await writeFileAtomically(file, 'of today', { fallback }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'file-not-writable',
    message: expect.stringMatching(
      /ENOSPC: .* It was saved as .*model-[0-9a-f]{12}\.safetensors instead\./,
    ) as string,
    details: { path: file },
  });
  const { savedTo } = (error as DskdError).details as { savedTo: string };
  expect(await readFile(savedTo, 'utf8')).toBe('of today');
  expect(await readFile(file, 'utf8')).toBe('of yesterday');
  expect(await readdir(`${folder.root}/models`)).toEqual(['model.safetensors']);
  expect(await readdir(fallback)).toHaveLength(2);
  // Next time there is room.
  await writeFileAtomically(file, 'of today', { fallback });
  expect(await readdir(fallback)).toHaveLength(2);
});

test('where the other folder takes nothing either, the error is that of the path', async () => {
  await folder.write({ 'target/inside.txt': '', file: '' });
  const error = await writeFileAtomically(`${folder.root}/target`, 'x', {
    fallback: `${folder.root}/file`,
  }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'file-not-writable', details: { path: `${folder.root}/target` } });
  expect((error as DskdError).details).not.toHaveProperty('savedTo');
});

test('the room of a file system is told, also for folders that do not exist yet', async () => {
  const here = await freeSpace(`${folder.root}/model.bin`);
  expect(here!.bytes).toBeGreaterThan(0);
  expect((await freeSpace(`${folder.root}/a/b/c/model.bin`))!.device).toBe(here!.device);
});
