import { symlink } from 'node:fs/promises';
import path from 'node:path';
import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openFolder } from './folder.js';
import { openSource } from './open-source.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const image = (value: number): Buffer => plainPng(2, 2, [value, 2, 3]);
const seen = (source: Awaited<ReturnType<typeof openFolder>>): unknown[] =>
  source.samples.map((sample) => [
    sample.id,
    sample.split,
    sample.label,
    sample.defectType,
    'loadMask' in sample,
  ]);

test('all images, also in subfolders, are train, good', async () => {
  await folder.write({ 'b.png': image(1), 'a/deep/x.PNG': image(2), 'readme.txt': 'x' });
  const source = await openFolder({ root: folder.root, folders: { good: '.' } });
  expect(seen(source)).toEqual([
    ['a/deep/x.PNG', 'train', 'good', 'good', false],
    ['b.png', 'train', 'good', 'good', false],
  ]);
  expect((await source.samples[0]!.load()).width).toBe(2);
});

test('reports every problem in one error', async () => {
  await folder.write({
    'good.png': image(1),
    'a.png': 'text',
    'b.gif': 'GIF89a',
    'empty.png': '',
    'cut.jpg': Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]),
  });
  expect(problemsOf(await errorOf(openFolder({ root: folder.root, folders: { good: '.' } })))).toEqual([
    'a.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
    'b.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    expect.stringMatching(/^cut\.jpg: a damaged (or truncated )?JPEG \(.+\)$/),
    'empty.png: the file is empty',
  ]);
  expect(
    problemsOf(await errorOf(openFolder({ root: `${folder.root}/none`, folders: { good: '.' } }))),
  ).toEqual([`${folder.root}/none: there is no such folder`]);
});

test('throws when the folder holds no images', async () => {
  await folder.write({ 'notes.txt': 'x', 'inner/.hidden.png': image(1) });
  expect(problemsOf(await errorOf(openFolder({ root: folder.root, folders: { good: '.' } })))).toEqual([
    `${folder.root}: the folder holds no images`,
  ]);
});

test('a folder named like an image is a folder; an image may have the extension of another format', async () => {
  await folder.write({ 'x.png/1.png': image(1), 'y.png/empty': undefined, 'z.jpg': image(2) });
  const source = await openFolder({ root: folder.root, folders: { good: '.' } });
  expect(source.samples.map(({ id }) => id)).toEqual(['x.png/1.png', 'z.jpg']);
  expect((await source.samples[1]!.load()).data[0]).toBe(2);
});

describe('with defects and masks', () => {
  const files = {
    'good/1.png': image(1),
    'good/2.png': image(2),
    'defects/scratch/1.png': image(3),
    'defects/scratch/deep/2.png': image(4),
    'defects/3.png': image(5),
    'masks/scratch/1_mask.png': maskPng(2, 2),
    'masks/scratch/deep/2.tif': maskPng(2, 2),
    'masks/3.png': maskPng(2, 2),
  };
  const wanted = [
    ['defects/3.png', 'test', 'anomalous', 'defect', true],
    ['defects/scratch/1.png', 'test', 'anomalous', 'scratch', true],
    ['defects/scratch/deep/2.png', 'test', 'anomalous', 'scratch', true],
    ['good/1.png', 'train', 'good', 'good', false],
    ['good/2.png', 'train', 'good', 'good', false],
  ];

  test('folders can be named, or are found by openSource', async () => {
    await folder.write(files);
    const { root } = folder;
    const named = await openFolder({ root, folders: { good: 'good', bad: 'defects', masks: 'masks' } });
    expect(seen(named)).toEqual(wanted);
    expect([...(await named.samples[0]!.loadMask!()).data]).toEqual([255, 0, 0, 0]);
    const found = await openSource({ root });
    expect(seen(found)).toEqual(wanted);
    expect(await found.fingerprint()).toBe(await named.fingerprint());
  });

  test('good images may be next to the other folders, or elsewhere', async () => {
    await folder.write({
      'set/day2/2.png': image(2),
      'set/defects/3.png': image(3),
    });
    const { root } = folder;
    const source = await openSource({ root: `${root}/set` });
    expect(source.samples.map(({ id, split }) => [id, split])).toEqual([
      ['day2/2.png', 'train'],
      ['defects/3.png', 'test'],
    ]);
    const elsewhere = await openFolder({
      root: `${root}/set/day2`,
      folders: { good: '.', bad: '../defects' },
    });
    expect(elsewhere.samples.map(({ id, split }) => [id, split])).toEqual([
      ['../defects/3.png', 'test'],
      ['2.png', 'train'],
    ]);
    expect((await elsewhere.samples[0]!.load()).data[0]).toBe(3);
  });

  test('reports every problem in one error', async () => {
    await folder.write({
      ...files,
      'defects/scratch/7.png': image(7),
      'defects/good/8.png': image(8),
      'defects/old.gif': 'BM',
      'masks/good/8.png': maskPng(2, 2),
      'masks/3_mask.png': maskPng(2, 2),
      'masks/scratch/9_mask.png': maskPng(2, 2),
      'masks/scratch/1_mask.png': maskPng(3, 2),
    });
    const { root } = folder;
    const problems = problemsOf(
      await errorOf(openFolder({ root, folders: { good: 'good', bad: 'defects', masks: 'masks' } })),
    );
    expect(problems).toEqual([
      'defects/good/8.png: an image in a folder named good, among the bad parts',
      'defects/old.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
      'masks/3_mask.png: a second mask for the image of masks/3.png',
      'masks/scratch/1_mask.png: the mask is 3 x 2, its image defects/scratch/1.png 2 x 2',
      'masks/scratch/9_mask.png: a mask without an image in defects, of which defects/scratch/7.png has no mask; is a name misspelled?',
    ]);
  });

  test('reports named folders that are missing or empty', async () => {
    await folder.write({ 'good/1.png': image(1), 'masks/notes.txt': 'x' });
    const { root } = folder;
    expect(
      problemsOf(
        await errorOf(openFolder({ root, folders: { good: 'god', bad: 'defects', masks: 'masks' } })),
      ),
    ).toEqual([
      'defects: there is no such folder',
      'god: there is no such folder',
      'masks: the folder holds no images',
    ]);
  });

  test('refuses masks without defects', async () => {
    expect(
      (await errorOf(openFolder({ root: folder.root, folders: { good: '.', masks: 'masks' } }))).code,
    ).toBe('invalid-argument');
  });

  test('openSource refuses other folders and loose images next to good and defects', async () => {
    await folder.write({ ...files, 'more/1.png': image(9), '0.png': image(9) });
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual(
      ['.', 'more'].map((name) => `${name}: an image beside the folder good, which holds the good ones`),
    );
    const names = ['good', '.', 'more'].map((name) => path.join(folder.root, name));
    expect(error.details.choose).toEqual(names);
  });
});

describe('several folders without a choice', () => {
  /** What the folders are called must not matter. */
  test.each([
    ['ok', 'ko'],
    ['pass', 'fail'],
    ['0', '1'],
    ['first', 'second'],
    ['day1', 'day2'],
  ])('%s and %s are refused; the error names them', async (a, b) => {
    await folder.write({ [`${a}/0.png`]: image(0), [`${a}/1.png`]: image(1), [`${b}/2.png`]: image(2) });
    const error = await errorOf(openSource({ root: folder.root }));
    const [first, second] = [a, b].sort();
    const count = (name: string): number => (name === a ? 2 : 1);
    expect(problemsOf(error)).toEqual([
      `${folder.root}: images are in several folders: ${first!} (${count(first!)}), ${second!} (${count(second!)}); say which folders show good parts and which bad ones`,
    ]);
    expect(error.details.choose).toEqual([first, second].map((name) => path.join(folder.root, name!)));
    expect(error.hint).toContain('{ good: [...], bad: [...]');
    const source = await openSource({ root: folder.root, folders: { good: a, bad: b } });
    expect(source.samples.map(({ label }) => label).sort()).toEqual(['anomalous', 'good', 'good']);
  });

  test('images beside a folder of images, and folders deeper down, are refused too', async () => {
    await folder.write({ 'a/0.png': image(0), 'a/b/1.png': image(1) });
    expect(problemsOf(await errorOf(openSource({ root: folder.root })))).toEqual([
      `${folder.root}: images are in several folders: a (1), a/b (1); say which folders show good parts and which bad ones`,
    ]);
  });

  test('one folder somewhere inside is not refused, unless it is named like bad parts', async () => {
    await folder.write({ 'camera/2024/0.png': image(0), 'camera/2024/1.png': image(1) });
    expect((await openSource({ root: folder.root })).samples).toHaveLength(2);
    await folder.write({ 'other/fail/2.png': image(2) });
    expect((await errorOf(openSource({ root: `${folder.root}/other` }))).details.choose).toEqual([
      `${folder.root}/other/fail`,
    ]);
  });

  test('`label` says what all of them are', async () => {
    await folder.write({ 'a/0.png': image(0), 'b/1.png': image(1) });
    for (const label of ['good', 'anomalous'] as const) {
      const { samples } = await openSource({ root: folder.root, label });
      expect(samples.map((sample) => [sample.id, sample.label])).toEqual([
        ['a/0.png', label],
        ['b/1.png', label],
      ]);
    }
  });
});

describe('named folders', () => {
  test('any folders anywhere; ids are relative to the folder that contains all', async () => {
    await folder.write({
      'x/ok/0.png': image(0),
      'y/z/1.png': image(1),
      'ko/2.png': image(2),
      'worse/3.png': image(3),
      'worse/deep/4.png': image(4),
      'truth/ko/2.png': maskPng(2, 2),
      'truth/worse/3_mask.png': maskPng(2, 2),
      'truth/worse/deep/4.png': maskPng(2, 2),
    });
    const { root } = folder;
    const at = (name: string): string => path.join(root, name);
    const source = await openSource({
      folders: { good: [at('x/ok'), at('y')], bad: [at('ko'), at('worse')], masks: at('truth') },
    });
    expect(seen(source)).toEqual([
      ['ko/2.png', 'test', 'anomalous', 'ko', true],
      ['worse/3.png', 'test', 'anomalous', 'worse', true],
      ['worse/deep/4.png', 'test', 'anomalous', 'deep', true],
      ['x/ok/0.png', 'train', 'good', 'good', false],
      ['y/z/1.png', 'train', 'good', 'good', false],
    ]);
    const alone = await openSource({ folders: { good: at('x/ok') } });
    expect(alone.samples.map(({ id }) => id)).toEqual(['0.png']);
  });

  test('a named folder inside another does not belong to it', async () => {
    await folder.write({ '0.png': image(0), 'broken/1.png': image(1), 'broken/truth/1.png': maskPng(2, 2) });
    const { root } = folder;
    const source = await openSource({
      root,
      folders: { good: '.', bad: 'broken', masks: 'broken/truth' },
    });
    expect(seen(source)).toEqual([
      ['0.png', 'train', 'good', 'good', false],
      ['broken/1.png', 'test', 'anomalous', 'defect', true],
    ]);
  });

  test('a link to a named folder is not read twice', async () => {
    await folder.write({ 'good/0.png': image(0), 'bad/1.png': image(1) });
    const { root } = folder;
    await symlink(path.join(root, 'bad'), path.join(root, 'good/more'));
    const folders = { good: 'good', bad: 'bad' };
    expect((await openSource({ root, folders })).samples.map(({ id }) => id)).toEqual([
      'bad/1.png',
      'good/0.png',
    ]);
    const twice = openSource({ root, folders: { good: 'good/more', bad: 'bad' } });
    expect((await errorOf(twice)).message).toContain('Got the folder bad as good and as bad.');
  });

  test('images with the same name in several folders keep their own ids and masks', async () => {
    const names = ['a', 'b'];
    await folder.write(
      Object.fromEntries(
        names.flatMap((name, index) => [
          [`good/${name}/001.png`, image(index)],
          [`bad/${name}/001.png`, image(10 + index)],
          [`masks/${name}/001.png`, maskPng(2, 2)],
        ]),
      ),
    );
    const source = await openSource({
      root: folder.root,
      folders: { good: 'good', bad: 'bad', masks: 'masks' },
    });
    expect(source.samples.map(({ id, maskOrigin }) => [id, maskOrigin?.file])).toEqual([
      ['bad/a/001.png', path.join(folder.root, 'masks/a/001.png')],
      ['bad/b/001.png', path.join(folder.root, 'masks/b/001.png')],
      ['good/a/001.png', undefined],
      ['good/b/001.png', undefined],
    ]);
  });

  test('refuses one folder in two roles, a layout beside them, and bad parts among the good', async () => {
    await folder.write({ 'all/0.png': image(0), 'all/ko/1.png': image(1) });
    const { root } = folder;
    const refused = async (options: Parameters<typeof openSource>[0]): Promise<string> =>
      (await errorOf(openSource(options))).message;
    expect(await refused({ root, folders: { good: 'all', bad: './all/' } })).toContain(
      'Got the folder ./all/ as good and as bad.',
    );
    expect(await refused({ root, category: 'x', folders: { good: 'all' } })).toContain(
      'together with category, x',
    );
    expect(await refused({ root, folders: {} })).toContain(
      'Got no folder of good parts and none of bad parts.',
    );
    expect(await refused({})).toContain('Got neither root nor folders');
    expect(problemsOf(await errorOf(openSource({ root, folders: { good: 'all' } })))).toEqual([
      'all/ko: among the good parts, but named like bad parts, a test or masks',
    ]);
  });
});
