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

const picture = plainPng(2, 2, [1, 2, 3]);

describe('openFolder', () => {
  test('everything below is train, good', async () => {
    await folder.write({ 'b.png': picture, 'a/deep/x.PNG': picture, 'readme.txt': 'x' });
    const { samples } = await openFolder({ root: folder.root });
    expect(
      samples.map((sample) => [
        sample.id,
        sample.split,
        sample.label,
        sample.defectType,
        'loadMask' in sample,
      ]),
    ).toEqual([
      ['a/deep/x.PNG', 'train', 'good', 'good', false],
      ['b.png', 'train', 'good', 'good', false],
    ]);
    expect((await samples[0]!.load()).width).toBe(2);
  });

  test('every problem in one error', async () => {
    await folder.write({ 'good.png': picture, 'a.png': 'text', 'b.gif': 'GIF89a' });
    expect(problemsOf(await errorOf(openFolder({ root: folder.root })))).toEqual([
      'a.png: not a picture we read (PNG, JPEG, WebP and TIFF) but text',
      'b.gif: GIF is not read, only PNG, JPEG, WebP and TIFF; convert it without loss, for example to PNG',
    ]);
    expect(problemsOf(await errorOf(openFolder({ root: `${folder.root}/none` })))).toEqual([
      `${folder.root}/none: there is no such folder`,
    ]);
  });

  test('throws when the folder holds no pictures', async () => {
    await folder.write({ 'notes.txt': 'x' });
    expect(problemsOf(await errorOf(openFolder({ root: folder.root })))).toEqual([
      `${folder.root}: the folder holds no pictures`,
    ]);
  });
});

describe('openSource', () => {
  const category = {
    'cap/train/good/a.png': picture,
    'cap/test/dent/a.png': picture,
    'cap/ground_truth/dent/a_mask.png': maskPng(2, 2),
  };

  test('knows MVTec AD by its train folder', async () => {
    await folder.write(category);
    const byName = await openSource({ root: folder.root, category: 'cap' });
    const itself = await openSource({ root: `${folder.root}/cap` });
    expect(byName.samples.map(({ split }) => split)).toEqual(['test', 'train']);
    expect(await itself.fingerprint()).toBe(await byName.fingerprint());
  });

  test('takes anything else with pictures as a plain folder', async () => {
    await folder.write({ 'day1/a.png': picture, 'day2/a.png': picture });
    expect((await openSource({ root: folder.root })).samples).toHaveLength(2);
    expect((await openSource({ root: folder.root, category: 'day1' })).samples).toHaveLength(1);
  });

  test('asks for a category where there are several', async () => {
    await folder.write({ ...category, 'box/train/good/a.png': picture });
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual([`${folder.root}: holds the categories box, cap; one must be chosen`]);
    expect(error.hint).toContain("'box'");
  });

  test.each([
    [['good', 'scratched'], ['scratched']],
    [['ok', 'Defective'], ['Defective']],
    [
      ['test', 'ground_truth'],
      ['ground_truth', 'test'],
    ],
  ])('does not take %p for good pictures', async (folders, named) => {
    await folder.write(Object.fromEntries(folders.map((name) => [`${name}/a.png`, picture])));
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual(
      named.map(
        (name) =>
          `${name}: not part of a plain folder of good pictures, and there is no train/good as in MVTec AD`,
      ),
    );
  });

  test('says when there is nothing', async () => {
    const { root } = folder;
    expect(problemsOf(await errorOf(openSource({ root })))).toEqual([
      `${root}: the folder holds no pictures`,
    ]);
    expect(problemsOf(await errorOf(openSource({ root: `${root}/no` })))).toEqual([
      `${root}/no: there is no such folder`,
    ]);
  });
});
