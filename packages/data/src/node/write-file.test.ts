import { readdir, readFile } from 'node:fs/promises';
import { temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { writeFileAtomically } from './write-file.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

test('makes folders, replaces files, leaves nothing else', async () => {
  const file = `${folder.root}/a/b/model.bin`;
  await writeFileAtomically(file, 'old');
  await writeFileAtomically(file, Uint8Array.of(1, 2, 3));
  expect([...(await readFile(file))]).toEqual([1, 2, 3]);
  expect(await readdir(`${folder.root}/a/b`)).toEqual(['model.bin']);
});

test('a failure leaves neither a change nor a temporary file', async () => {
  await folder.write({ 'target/inside.txt': 'kept' });
  await expect(writeFileAtomically(`${folder.root}/target`, 'x')).rejects.toThrow();
  expect(await readdir(folder.root)).toEqual(['target']);
  expect(await readFile(`${folder.root}/target/inside.txt`, 'utf8')).toBe('kept');
});

test('many writers to one path: the file is one of theirs, whole', async () => {
  const file = `${folder.root}/model.bin`;
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => writeFileAtomically(file, String(index).repeat(100_000))),
  );
  const content = await readFile(file, 'utf8');
  expect(content).toBe(content[0]!.repeat(100_000));
  expect(await readdir(folder.root)).toEqual(['model.bin']);
});
