import { symlink } from 'node:fs/promises';
import { errorOf, problemsOf, temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { listFolder, listImages } from './listing.js';

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

test('folders without images and unsupported images are problems', async () => {
  await folder.write({ 'empty/notes.txt': '', 'old/1.gif': '', 'old/2.png': '' });
  const { root } = folder;
  expect(problemsOf(await errorOf(listImages([`${root}/empty`, `${root}/old`])))).toEqual([
    `${root}/empty: the folder holds no images`,
    `${root}/old/1.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG`,
  ]);
});

test('names a folder that cannot be read', async () => {
  const error = await errorOf(listFolder(`${folder.root}/gone`));
  expect(error.code).toBe('file-not-found');
  expect(error.message).toContain('Cannot read the folder');
  expect(error.message).toContain('gone');
});
