import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { decodeImage } from './decode.js';
import {
  errorOf,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { listFolder, listImages } from './listing.js';
import { openSource } from './open-source.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const inside = (paths: readonly string[]): string[] =>
  paths.map((path) => path.slice(folder.root.length + 1).replaceAll('\\', '/'));

test('lists files and folders, each image once, sorted; extensions in upper or lower case', async () => {
  await folder.write({
    'b/2.PNG': '',
    'b/10.JPeG': '',
    'b/deep/er/x.tif': '',
    'b/.hidden.png': '',
    'b/._2.PNG': '',
    'b/Thumbs.db': '',
    'b/.DS_Store': '',
    'b/__MACOSX/2.png': '',
    'b/.thumbnails/2.png': '',
    'b/notes.txt': '',
    'a.webp': '',
    'no-extension': '',
  });
  const { root } = folder;
  expect(
    inside(await listImages([`${root}/no-extension`, `${root}/b`, `${root}/a.webp`, `${root}/b/2.PNG`])),
  ).toEqual(['a.webp', 'b/10.JPeG', 'b/2.PNG', 'b/deep/er/x.tif', 'no-extension']);
});

test('follows links, and stops at cycles', async () => {
  await folder.write({ 'real/1.png': '', 'tree/2.png': '' });
  await symlink(`${folder.root}/real`, `${folder.root}/tree/linked`);
  await symlink(`${folder.root}/tree`, `${folder.root}/tree/circle`);
  expect(inside(await listImages([`${folder.root}/tree`]))).toEqual(['tree/2.png', 'tree/linked/1.png']);
});

test('reports all missing paths in one error', async () => {
  await folder.write({ 'a.png': '' });
  const { root } = folder;
  const error = await errorOf(listImages([`${root}/x`, `${root}/a.png`, `${root}/y.png`]));
  expect(error.code).toBe('file-not-found');
  expect(error.details.missing).toEqual([`${root}/x`, `${root}/y.png`]);
});

test('missing paths are listed where that is asked for and anything is found at others', async () => {
  await folder.write({ 'a.png': '', 'b/1.png': '' });
  const { root } = folder;
  const paths = [`${root}/x`, `${root}/b`, `${root}//y.png`, `${root}/a.png`];
  expect(inside(await listImages(paths, { missing: 'listed' }))).toEqual(['a.png', 'b/1.png', 'x', 'y.png']);
  expect((await errorOf(decodeImage(`${root}/x`))).code).toBe('file-not-found');
  const error = await errorOf(listImages([`${root}/x`, `${root}/y.png`], { missing: 'listed' }));
  expect([error.code, error.details.missing]).toEqual(['file-not-found', [`${root}/x`, `${root}/y.png`]]);
});

test('images in unsupported formats are refused, or listed and fail when read; folders without images are problems', async () => {
  await folder.write({ 'empty/notes.txt': '', 'old/1.gif': 'GIF89a', 'old/2.png': '' });
  const { root } = folder;
  expect(inside(await listImages([`${root}/old`], { unsupported: 'listed' }))).toEqual([
    'old/1.gif',
    'old/2.png',
  ]);
  expect((await errorOf(decodeImage(`${root}/old/1.gif`))).message).toContain('unsupported format (GIF)');
  expect(problemsOf(await errorOf(listImages([`${root}/empty`, `${root}/old`])))).toEqual([
    `${root}/empty: the folder holds no images`,
    `${root}/old/1.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG`,
  ]);
});

test('own heat maps are left out, with a word; a file given by name is taken', async () => {
  await folder.write({
    'in/0.png': '',
    'in/0.overlay.png': '',
    'in/old/0.overlay.explained.png': '',
    'in/overlay.png': '',
  });
  const { root } = folder;
  const warnings: string[] = [];
  const onWarning = (warning: string): void => void warnings.push(warning);
  expect(inside(await listImages([`${root}/in`], { onWarning }))).toEqual(['in/0.png', 'in/overlay.png']);
  expect(warnings).toEqual([
    `2 files are left out, heat maps of dskd predict: ${root}/in/0.overlay.png, ${root}/in/old/0.overlay.explained.png`,
  ]);
  expect(inside(await listImages([`${root}/in/0.overlay.png`]))).toEqual(['in/0.overlay.png']);
  expect(problemsOf(await errorOf(listImages([`${root}/in/old`])))).toEqual([
    `${root}/in/old: the folder holds no images; 1 file is left out, heat maps of dskd predict: 0.overlay.explained.png`,
  ]);
});

test('a name in another Unicode form is the file that looks the same', async () => {
  const [nfd, nfc] = ['u\u0308ber', '\u00fcber'];
  await folder.write({ [`${nfd}/${nfc}.png`]: '' });
  expect(inside(await listImages([`${folder.root}/${nfc}/${nfd}.png`]))).toEqual([`${nfd}/${nfc}.png`]);
});

const onUnix = process.platform === 'win32' ? describe.skip : describe;

onUnix('FIFOs, sockets and devices', () => {
  const makeFifo = (name: string): void => {
    execFileSync('mkfifo', [path.join(folder.root, name)]);
  };

  test('in a folder they are left out, with a word, and never opened', async () => {
    await folder.write({ '0.png': plainPng(2, 2, [1, 2, 3]) });
    makeFifo('1.png');
    await symlink(path.join(folder.root, '1.png'), path.join(folder.root, '2.png'));
    await symlink('/dev/zero', path.join(folder.root, '3.png'));
    const said = '3 files are left out, no regular files (FIFO, socket or device): 1.png, 2.png, 3.png';
    const { samples, warnings } = await openSource({ root: folder.root });
    expect([samples.map(({ id }) => id), warnings]).toEqual([['0.png'], [said]]);
    expect((await listImages([folder.root])).map((name) => path.basename(name))).toEqual(['0.png']);
  });

  test('given by name, or in a manifest, they are refused', async () => {
    makeFifo('1.png');
    await folder.write({ 'list.csv': 'path\n1.png\n' });
    makeFifo('list.jsonl');
    const wanted = 'not a regular file, but a FIFO, socket or device';
    expect((await errorOf(decodeImage(`${folder.root}/1.png`))).message).toContain(wanted);
    expect(problemsOf(await errorOf(openSource({ root: `${folder.root}/list.csv` })))).toEqual([
      `1.png: ${wanted} (line 2)`,
    ]);
    expect(problemsOf(await errorOf(openSource({ root: `${folder.root}/list.jsonl` })))).toEqual([
      `${folder.root}/list.jsonl: ${wanted}`,
    ]);
  });
});

test('names a folder that cannot be read', async () => {
  const error = await errorOf(listFolder(`${folder.root}/gone`));
  expect(error.code).toBe('file-not-found');
  expect(error.message).toContain('Cannot read the folder');
  expect(error.message).toContain('gone');
});
