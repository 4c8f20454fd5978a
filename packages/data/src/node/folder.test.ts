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
  const source = await openFolder({ root: folder.root });
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
  expect(problemsOf(await errorOf(openFolder({ root: folder.root })))).toEqual([
    'a.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
    'b.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    expect.stringMatching(/^cut\.jpg: a damaged (or truncated )?JPEG \(.+\)$/),
    'empty.png: the file is empty',
  ]);
  expect(problemsOf(await errorOf(openFolder({ root: `${folder.root}/none` })))).toEqual([
    `${folder.root}/none: there is no such folder`,
  ]);
});

test('throws when the folder holds no images', async () => {
  await folder.write({ 'notes.txt': 'x', 'inner/.hidden.png': image(1) });
  expect(problemsOf(await errorOf(openFolder({ root: folder.root })))).toEqual([
    `${folder.root}: the folder holds no images`,
  ]);
});

test('a folder named like an image is a folder; an image may have the extension of another format', async () => {
  await folder.write({ 'x.png/1.png': image(1), 'y.png/empty': undefined, 'z.jpg': image(2) });
  const source = await openFolder({ root: folder.root });
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
    const named = await openFolder({ root, good: 'good', defects: 'defects', masks: 'masks' });
    expect(seen(named)).toEqual(wanted);
    expect([...(await named.samples[0]!.loadMask!()).data]).toEqual([255, 0, 0, 0]);
    const found = await openSource({ root });
    expect(seen(found)).toEqual(wanted);
    expect(await found.fingerprint()).toBe(await named.fingerprint());
  });

  test('good images may be next to the other folders, or elsewhere', async () => {
    await folder.write({
      'set/1.png': image(1),
      'set/day2/2.png': image(2),
      'set/defects/3.png': image(3),
    });
    const { root } = folder;
    const source = await openSource({ root: `${root}/set` });
    expect(source.samples.map(({ id, split }) => [id, split])).toEqual([
      ['1.png', 'train'],
      ['day2/2.png', 'train'],
      ['defects/3.png', 'test'],
    ]);
    const elsewhere = await openFolder({ root: `${root}/set/day2`, defects: '../defects' });
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
      await errorOf(openFolder({ root, good: 'good', defects: 'defects', masks: 'masks' })),
    );
    expect(problems).toEqual([
      'defects/good/8.png: an image in a folder named good, among the defects',
      'defects/old.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
      'defects/scratch/7.png: its mask masks/scratch/7.png is missing',
      'masks/3_mask.png: a second mask for the image of masks/3.png',
      'masks/scratch/1_mask.png: the mask is 3 x 2, its image defects/scratch/1.png 2 x 2',
      'masks/scratch/9_mask.png: a mask without an image in defects',
    ]);
  });

  test('reports named folders that are missing or empty', async () => {
    await folder.write({ 'good/1.png': image(1), 'masks/notes.txt': 'x' });
    const { root } = folder;
    expect(
      problemsOf(await errorOf(openFolder({ root, good: 'god', defects: 'defects', masks: 'masks' }))),
    ).toEqual([
      'defects: there is no such folder',
      'god: there is no such folder',
      'masks: the folder holds no images',
    ]);
  });

  test('refuses masks without defects', async () => {
    expect((await errorOf(openFolder({ root: folder.root, masks: 'masks' }))).code).toBe('invalid-argument');
  });

  test('openSource refuses other folders and loose images next to good and defects', async () => {
    await folder.write({ ...files, 'more/1.png': image(9), '0.png': image(9) });
    expect(problemsOf(await errorOf(openSource({ root: folder.root })))).toEqual(
      ['0.png', 'more'].map(
        (name) =>
          `${name}: unexpected in a plain folder of good images, and there is no train/good as in MVTec AD`,
      ),
    );
  });
});
