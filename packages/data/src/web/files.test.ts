import { isDskdError } from '@dskd/base';
import sharp from 'sharp';
import {
  errorOf,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from '../node/fabricate.test.util.js';
import { openSource } from '../node/open-source.js';
import type { DatasetProblem, ImageSource } from '../samples.js';
import { fakeBrowser, type FakeBrowser } from './fake-browser.test.util.js';
import { openFiles, type OpenFilesOptions } from './files.js';

let browser: FakeBrowser;
beforeEach(() => (browser = fakeBrowser()));
afterEach(() => browser.restore());

const image = (value: number): Buffer => plainPng(2, 1, [value, 0, 0]);

/** A file as the browser returns it when a folder is chosen. */
function file(path: string, content: Uint8Array | string): File {
  const made = new File([content as Uint8Array<ArrayBuffer>], path.slice(path.lastIndexOf('/') + 1));
  return Object.defineProperty(made, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
}

const seen = ({ samples }: ImageSource): unknown[] =>
  samples.map(({ id, split, label, defectType, maskOrigin }) => [
    ...[id, split, label, defectType],
    ...(maskOrigin ? ['mask'] : []),
  ]);

test('images are train, good; other files are ignored', async () => {
  const source = await openFiles(
    [
      file('set/b.PNG', image(2)),
      file('set/a.png', image(1)),
      file('set/notes.txt', 'x'),
      file('set/.hidden.png', 'x'),
      file('set/.cache/1.png', 'x'),
      file('set/b.overlay.png', image(3)),
      file('set/__MACOSX/1.png', 'x'),
    ],
    { name: 'bolts' },
  );
  expect(source.name).toBe('bolts');
  expect(seen(source)).toEqual([
    ['a.png', 'train', 'good', 'good'],
    ['b.PNG', 'train', 'good', 'good'],
  ]);
  expect(source.warnings).toEqual(['1 file is left out, heat maps of dskd predict: b.overlay.png']);
  expect([...(await source.samples[1]!.load()).data]).toEqual([2, 0, 0, 2, 0, 0]);
  const again = await openFiles([file('x.png', image(2)), file('y.png', image(1))]);
  expect(again.name).toBe('files');
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
    'files: the folder holds no images',
  ]);
  expect(problemsOf(await errorOf(openFiles([])))).toEqual(['files: the folder holds no images']);
  const signal = AbortSignal.abort();
  expect((await errorOf(openFiles([file('a.png', image(1))], { signal }))).code).toBe('aborted');
});

test('a category of MVTec AD, with masks that are decoded when asked for', async () => {
  const source = await openFiles([
    file('bottle/train/good/0.png', image(1)),
    file('bottle/test/good/0.png', image(2)),
    file('bottle/test/crack/0.png', image(3)),
    file('bottle/ground_truth/crack/0_mask.png', plainPng(2, 1, [0, 0, 9])),
    file('bottle/license.txt', 'x'),
  ]);
  expect(source.name).toBe('bottle');
  expect(seen(source)).toEqual([
    ['test/crack/0.png', 'test', 'anomalous', 'crack', 'mask'],
    ['test/good/0.png', 'test', 'good', 'good'],
    ['train/good/0.png', 'train', 'good', 'good'],
  ]);
  expect(await source.samples[0]!.loadMask!()).toEqual({
    data: Uint8Array.of(255, 255),
    width: 2,
    height: 1,
    channels: 1,
  });
});

test('masks of single defects are not read, with a word; a JPEG is no mask', async () => {
  const jpeg = await sharp(plainPng(2, 1, [9, 9, 9]))
    .jpeg()
    .toBuffer();
  const source = await openFiles([
    file('box/train/good/0.png', image(1)),
    file('box/test/logical_anomalies/0.png', image(3)),
    file('box/ground_truth/logical_anomalies/0/0.png', image(9)),
  ]);
  expect(seen(source)[0]).toEqual(['test/logical_anomalies/0.png', 'test', 'anomalous', 'logical_anomalies']);
  expect(source.warnings).toEqual([
    'masks of single defects, as in ground_truth/logical_anomalies, are not read in a browser',
  ]);
  const error = await errorOf(
    openFiles([
      file('box/good/0.png', image(1)),
      file('box/defects/0.png', image(2)),
      file('box/masks/0.jpg', jpeg),
    ]),
  );
  expect(problemsOf(error)).toEqual([
    'masks/0.jpg: a mask must be stored without loss (PNG, WebP, BMP), not as JPEG',
  ]);
});

describe('the same as in Node', () => {
  let folder: TemporaryFolder;
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(() => folder.remove());

  /** What either way of opening gives: samples and warnings, or problems and folders to choose from. */
  async function outcome(opening: Promise<ImageSource>, root: string): Promise<unknown> {
    try {
      const source = await opening;
      return { seen: seen(source), warnings: source.warnings };
    } catch (error) {
      if (!isDskdError(error)) throw error;
      const { problems, choose = [] } = error.details as {
        readonly problems: readonly DatasetProblem[];
        readonly choose?: readonly string[];
      };
      const inside = (text: string): string =>
        text.replaceAll(`${folder.root}/`, '').replaceAll(folder.root, root);
      return {
        problems: problems.map(({ path, problem }) => [inside(path), inside(problem)]),
        choose: choose.map((each) => (each === '.' ? root : inside(each))),
      };
    }
  }

  type Files = readonly string[];
  const cases: readonly [string, Files, object?][] = [
    ['one folder in another', ['parts/line 1/0.png', 'parts/line 1/1.png']],
    ['several classes', ['ok/0.png', 'scratch/1.png', '2.png']],
    ['a folder named like bad parts', ['defective/0.png']],
    ['good, defects, masks', ['good/0.png', 'defects/hole/1.png', 'defects/2.png', 'masks/hole/1.png']],
    ['images beside good', ['good/0.png', 'more/1.png']],
    ['defects beside images of one folder', ['a/0.png', 'defects/1.png']],
    ['MVTec AD', ['train/good/0.png', 'validation/good/1.png', 'test/hole/2.png', 'ground_truth/hole/2.png']],
    ['MVTec AD with another name for good', ['train/ok/0.png', 'test/ok/1.png', 'test/ko/2.png']],
    ['bad parts in train', ['train/good/0.png', 'train/hole/1.png', 'train/2.png']],
    ['only bad parts in train', ['train/ko/0.png']],
    ['train without good', ['train/a/0.png', 'train/b/1.png']],
    ['a mask with a misspelled name', ['train/good/0.png', 'test/x/1.png', 'ground_truth/x/7.png']],
    ['several categories', ['nut/train/good/0.png', 'bolt/train/good/1.png']],
    ['the label of all', ['a/0.png', 'b/1.png'], { label: 'good' }],
    ['bad parts only', ['a/0.png', 'b/1.png'], { label: 'anomalous' }],
    [
      'named folders',
      ['x/0.png', 'y/a/1.png', 'y/b/2.png', 'z/a/1_mask.png'],
      { folders: { good: 'x', bad: ['y'], masks: 'z' } },
    ],
    [
      'a named folder inside another',
      ['0.png', 'ko/1.png'],
      { folders: { good: '.', bad: 'ko/', split: 'test' } },
    ],
    ['bad parts inside good ones', ['x/0.png', 'x/bad/1.png'], { folders: { good: 'x' } }],
    ['folders that are not there', ['x/0.png'], { folders: { good: 'y', bad: './x' } }],
    ['masks are required', ['good/0.png', 'defects/1.png'], { masks: 'required' }],
    ['unsupported formats', ['good/0.png', 'good/1.gif', 'defects/2.heic']],
    ['accents in two forms', ['train/good/0.png', 'test/é/1.png', 'ground_truth/e\u0301/1.png']],
  ];
  test.each(cases)('%s', async (_, paths, options = {}) => {
    const contents = paths.map((path, index): [string, Buffer] => [path, image(index + 1)]);
    await folder.write(Object.fromEntries(contents));
    const files = contents.map(([path, bytes]) => file(`set/${path}`, bytes));
    const wanted = await outcome(openSource({ root: folder.root, ...options }), 'set');
    expect(await outcome(openFiles(files, options), 'set')).toEqual(wanted);
  });

  test('identical files in two splits', async () => {
    const same = { 'train/good/0.png': image(1), 'test/good/0.png': image(1) };
    await folder.write(same);
    const files = Object.entries(same).map(([path, bytes]) => file(`set/${path}`, bytes));
    const wanted = await outcome(openSource({ root: folder.root }), 'set');
    expect(wanted).toMatchObject({
      problems: [['test/good/0.png', expect.stringContaining('byte for byte')]],
    });
    expect(await outcome(openFiles(files), 'set')).toEqual(wanted);
    expect((await openFiles(files, { duplicates: 'allowed' })).samples).toHaveLength(2);
  });
});

describe('files that are named', () => {
  const files = [
    file('set/run 1/ok_0.png', image(1)),
    file('set/run 1/ng_1.png', image(2)),
    file('set/run 2/ok_2.png', image(3)),
    file('set/run 2/setup.png', image(4)),
    file('set/run 2/ng_3.gif', 'GIF89a'),
  ];
  const good = (path: string): boolean => path.includes('/ok_');
  const bad = (path: string): boolean => /ng_\d\.png$/.test(path);

  test('by functions of the path; what neither takes is left out', async () => {
    expect(seen(await openFiles(files, { folders: { good, bad } }))).toEqual([
      ['run 1/ng_1.png', 'test', 'anomalous', 'defect'],
      ['run 1/ok_0.png', 'train', 'good', 'good'],
      ['run 2/ok_2.png', 'train', 'good', 'good'],
    ]);
  });

  test('by a function and a folder, which may begin with the chosen one', async () => {
    const folders = {
      good: (path: string) => path === 'run 2/setup.png',
      bad: 'set/run 1',
      split: 'test',
    } as const;
    expect(seen(await openFiles(files, { folders }))).toEqual([
      ['run 1/ng_1.png', 'test', 'anomalous', 'defect'],
      ['run 1/ok_0.png', 'test', 'anomalous', 'defect'],
      ['run 2/setup.png', 'test', 'good', 'good'],
    ]);
    expect(seen(await openFiles(files, { folders: { good: 'set/run 1' } }))).toHaveLength(2);
    expect(seen(await openFiles(files.slice(0, 4), { folders: { good: 'set' } }))).toHaveLength(4);
  });

  test('an image that is chosen twice, one in another format, and none at all are problems', async () => {
    const twice = {
      good: (path: string) => path.startsWith('run 2/'),
      bad: (path: string) => path.includes('_2'),
    };
    expect(problemsOf(await errorOf(openFiles(files, { folders: twice })))).toEqual([
      'run 2/ng_3.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
      'run 2/ok_2.png: chosen as good and as bad',
    ]);
    expect(problemsOf(await errorOf(openFiles(files, { folders: { good: () => false } })))).toEqual([
      'set: none of its 4 images is chosen as good or bad',
    ]);
  });

  test('a folder in two roles, masks without bad parts, and masks with functions are refused', async () => {
    const code = async (folders: OpenFilesOptions['folders']): Promise<string> =>
      (await errorOf(openFiles(files, { folders: folders! }))).message;
    expect(await code({ good: 'run 1', bad: 'run 1/' })).toBe('Got the folder run 1/ as good and as bad.');
    expect(await code({ good: 'run 1', masks: 'run 2' })).toBe(
      'Got a folder of masks, but no folder of bad parts.',
    );
    expect(await code({})).toBe('Got no folder of good parts and none of bad parts.');
    expect(await code({ bad, masks: 'run 2' })).toBe(
      'Got folders of masks together with a function of paths.',
    );
  });
});
