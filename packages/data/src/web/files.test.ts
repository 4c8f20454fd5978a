import { errorOf, plainPng, problemsOf } from '../node/fabricate.test.util.js';
import { fakeBrowser, type FakeBrowser } from './fake-browser.test.util.js';
import { openFiles } from './files.js';

let browser: FakeBrowser;
beforeEach(() => (browser = fakeBrowser()));
afterEach(() => browser.restore());

const image = (value: number): Buffer => plainPng(2, 1, [value, 0, 0]);

/** A file as the browser returns it when a folder is chosen. */
function file(path: string, content: Uint8Array | string): File {
  const made = new File([content as Uint8Array<ArrayBuffer>], path.slice(path.lastIndexOf('/') + 1));
  return Object.defineProperty(made, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
}

test('images are train, good; other files are ignored', async () => {
  const source = await openFiles(
    [
      file('set/b.PNG', image(2)),
      file('set/a/1.png', image(1)),
      file('set/notes.txt', 'x'),
      file('set/.hidden.png', 'x'),
      file('set/b.overlay.png', image(3)),
      file('set/__MACOSX/1.png', 'x'),
    ],
    { name: 'bolts' },
  );
  expect(source.name).toBe('bolts');
  expect(source.samples.map(({ id, split, label }) => [id, split, label])).toEqual([
    ['set/a/1.png', 'train', 'good'],
    ['set/b.PNG', 'train', 'good'],
  ]);
  expect([...(await source.samples[1]!.load()).data]).toEqual([2, 0, 0, 2, 0, 0]);
  const again = await openFiles([file('x.png', image(2)), file('y.png', image(1))]);
  expect(await again.fingerprint()).toBe(await source.fingerprint());
  const other = await openFiles([file('x.png', image(3)), file('y.png', image(1))]);
  expect(await other.fingerprint()).not.toBe(await source.fingerprint());
});

test('reports every problem in one error', async () => {
  const error = await errorOf(
    openFiles([
      file('a.png', 'words'),
      file('b.gif', 'GIF89a'),
      file('c.png', image(1)),
      file('c.png', image(2)),
      file('d.png', image(1).subarray(0, 60)),
    ]),
  );
  expect(problemsOf(error)).toEqual([
    'a.png: unsupported format (text); supported are PNG, JPEG, WebP and BMP',
    'b.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    'c.png: two files have this path',
    'd.png: a truncated PNG',
  ]);
});

test('reports an empty selection; stops when aborted', async () => {
  expect(problemsOf(await errorOf(openFiles([file('a.txt', 'x')])))).toEqual([
    'files: no images among the files',
  ]);
  const signal = AbortSignal.abort();
  expect((await errorOf(openFiles([file('a.png', image(1))], { signal }))).code).toBe('aborted');
});
