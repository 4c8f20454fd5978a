import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeImage } from './decode.js';
import { plainPng, temporaryFolder, type TemporaryFolder } from './fabricate.test.util.js';
import { watchFolder, type WatchFolderOptions } from './watch-folder.js';

let folder: TemporaryFolder;
let watches: AsyncIterableIterator<string>[];
beforeEach(async () => {
  folder = await temporaryFolder();
  watches = [];
});
afterEach(async () => {
  for (const watch of watches) await watch.return!();
  await folder.remove();
});

const QUICK = { settledMs: 120, pollMs: 60 };
const PNG = plainPng(6, 5, [10, 20, 30]);

function watching(options: WatchFolderOptions = {}): AsyncIterableIterator<string> {
  const watch = watchFolder(folder.root, { ...QUICK, ...options });
  watches.push(watch);
  return watch;
}

async function nextOf(watch: AsyncIterableIterator<string>): Promise<string> {
  const next = await watch.next();
  if (next.done) throw new Error('The watch has ended.');
  return next.value.slice(folder.root.length + 1);
}

/**
 * Whether the watch yields nothing for a while. The pending call of next() stays open, so the watch cannot be used
 * afterwards.
 */
async function isSilent(watch: AsyncIterableIterator<string>, milliseconds = 400): Promise<boolean> {
  const silent = sleep(milliseconds).then(() => true);
  return Promise.race([watch.next().then(() => false), silent]);
}

describe.each([
  ['with notifications', { notifications: true, pollMs: 60_000 }],
  ['by polling alone', { notifications: false }],
])('%s', (_, options) => {
  test('an image that is written slowly is reported once, when it is complete', async () => {
    const watch = watching({ ...options, settledMs: 300 });
    const pull = nextOf(watch);
    const file = `${folder.root}/slow.png`;
    const handle = await open(file, 'w');
    for (let at = 0; at < PNG.length; at += 8) {
      await handle.write(PNG.subarray(at, at + 8));
      await sleep(40);
    }
    const written = performance.now();
    await handle.close();
    expect(await pull).toBe('slow.png');
    expect(performance.now()).toBeGreaterThan(written);
    expect(await readFile(file)).toEqual(PNG);
    expect((await decodeImage(file)).width).toBe(6);
    expect(await isSilent(watch, 600)).toBe(true);
  });

  test('an image that is written again is reported again', async () => {
    const watch = watching(options);
    await writeFile(`${folder.root}/a.png`, PNG);
    expect(await nextOf(watch)).toBe('a.png');
    await writeFile(`${folder.root}/a.png`, plainPng(7, 7, [1, 2, 3]));
    expect(await nextOf(watch)).toBe('a.png');
  });
});

test('existing images are reported only on request, sorted by name', async () => {
  await folder.write({ 'b.png': PNG, 'a.jpg': PNG });
  const fresh = watching();
  const all = watching({ existing: true });
  await writeFile(`${folder.root}/c.png`, PNG);
  expect(await nextOf(fresh)).toBe('c.png');
  expect([await nextOf(all), await nextOf(all), await nextOf(all)]).toEqual(['a.jpg', 'b.png', 'c.png']);
});

test('an image that was being written at the start is reported when it is complete', async () => {
  await folder.write({ 'half.png': PNG.subarray(0, 30) });
  const watch = watching();
  await appendFile(`${folder.root}/half.png`, PNG.subarray(30));
  expect(await nextOf(watch)).toBe('half.png');
});

test('temporary names, hidden files, folders and other files are ignored', async () => {
  const watch = watching();
  await folder.write({
    '.hidden.png': PNG,
    '0.overlay.png': PNG,
    'a.png.part': PNG,
    'a.tmp.png': PNG,
    '~a.png': PNG,
    'notes.txt': 'x',
    'below/inside.png': PNG,
  });
  await mkdir(`${folder.root}/folder.png`);
  expect(await isSilent(watch)).toBe(true);
});

test('a file that stays empty is reported once, after a longer time, and again when it is filled', async () => {
  const watch = watching({ emptyMs: 400 });
  const started = performance.now();
  await folder.write({ 'empty.png': '' });
  expect(await nextOf(watch)).toBe('empty.png');
  expect(performance.now() - started).toBeGreaterThan(500);
  await folder.write({ 'other.png': PNG });
  expect(await nextOf(watch)).toBe('other.png');
  await writeFile(`${folder.root}/empty.png`, PNG);
  expect(await nextOf(watch)).toBe('empty.png');
});

test('an image that is renamed is reported with its new name', async () => {
  const watch = watching();
  await writeFile(`${folder.root}/.x.tmp`, PNG);
  await rename(`${folder.root}/.x.tmp`, `${folder.root}/x.png`);
  expect(await nextOf(watch)).toBe('x.png');
});

test('the signal ends the iteration without an error, after all images found so far', async () => {
  const stop = new AbortController();
  const watch = watching({ signal: stop.signal });
  await writeFile(`${folder.root}/a.png`, PNG);
  await sleep(500);
  const seen: string[] = [];
  setTimeout(() => stop.abort(), 20);
  for await (const file of watch) seen.push(file);
  expect(seen).toEqual([`${folder.root}/a.png`]);
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});

test('a signal that is already aborted gives no images', async () => {
  const watch = watching({ signal: AbortSignal.abort() });
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});

test('leaving the loop ends the watch', async () => {
  const watch = watching();
  await writeFile(`${folder.root}/a.png`, PNG);
  for await (const file of watch) {
    expect(file).toBe(`${folder.root}/a.png`);
    break;
  }
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});

test('a folder that is missing, is a file, or disappears is an error with its name', async () => {
  const wanted = { code: 'file-not-found', message: expect.stringContaining('Cannot watch') as string };
  await expect(watchFolder(`${folder.root}/none`).next()).rejects.toMatchObject(wanted);
  await folder.write({ 'file.png': PNG });
  await expect(watchFolder(`${folder.root}/file.png`).next()).rejects.toMatchObject(wanted);
  await folder.write({ 'gone/a.txt': 'x' });
  const watch = watchFolder(`${folder.root}/gone`, QUICK);
  // The expectation is set up before the folder is removed: the rejection may come before rm has finished.
  const refused = expect(watch.next()).rejects.toMatchObject(wanted);
  await rm(`${folder.root}/gone`, { recursive: true });
  await refused;
});

test('other files than images are watched by a rule of the caller', async () => {
  const watch = watching({ accepts: (name) => name.endsWith('.onnx') });
  await writeFile(`${folder.root}/image.png`, PNG);
  await writeFile(`${folder.root}/model.onnx`, PNG);
  expect(await nextOf(watch)).toBe('model.onnx');
  expect(await isSilent(watch)).toBe(true);
});
