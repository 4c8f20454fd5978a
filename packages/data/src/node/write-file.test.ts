import { readdir, readFile, utimes } from 'node:fs/promises';
import { temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
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
