import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openSource } from './open-source.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const image = plainPng(2, 2, [1, 2, 3]);

describe('openSource', () => {
  const category = {
    'cap/train/good/a.png': image,
    'cap/test/dent/a.png': plainPng(2, 2, [4, 5, 6]),
    'cap/ground_truth/dent/a_mask.png': maskPng(2, 2),
  };

  test('detects MVTec AD by its train folder', async () => {
    await folder.write(category);
    const byName = await openSource({ root: folder.root, category: 'cap' });
    const itself = await openSource({ root: `${folder.root}/cap` });
    expect(byName.samples.map(({ split }) => split)).toEqual(['test', 'train']);
    expect(await itself.fingerprint()).toBe(await byName.fingerprint());
  });

  test('opens any other folder of images as a plain folder', async () => {
    await folder.write({ 'day1/a.png': image, 'day2/a.png': image });
    expect((await openSource({ root: folder.root })).samples).toHaveLength(2);
    expect((await openSource({ root: folder.root, category: 'day1' })).samples).toHaveLength(1);
  });

  test('asks for a category if there are several', async () => {
    await folder.write({ ...category, 'box/train/good/a.png': image });
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual([`${folder.root}: contains the categories box, cap; choose one`]);
    expect(error.hint).toContain("'box'");
  });

  test.each([
    [['good', 'scratched'], ['scratched']],
    [['ok', 'Defective'], ['Defective']],
    [['images', 'masks'], ['masks']],
    [
      ['test', 'ground_truth'],
      ['ground_truth', 'test'],
    ],
  ])('does not take %p for good images', async (folders, named) => {
    await folder.write(Object.fromEntries(folders.map((name) => [`${name}/a.png`, image])));
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual(
      named.map(
        (name) =>
          `${name}: unexpected in a plain folder of good images, and there is no train/good as in MVTec AD`,
      ),
    );
  });

  test('reports an empty folder', async () => {
    const { root } = folder;
    expect(problemsOf(await errorOf(openSource({ root })))).toEqual([`${root}: the folder holds no images`]);
    expect(problemsOf(await errorOf(openSource({ root: `${root}/no` })))).toEqual([
      `${root}/no: there is no such folder`,
    ]);
  });
});

test('folders of a plain folder may have other names; masks may be optional in MVTec AD', async () => {
  await folder.write({ 'ok/1.png': plainPng(6, 5, [1, 2, 3]), 'nok/2.png': plainPng(6, 5, [4, 5, 6]) });
  const named = await openSource({ root: folder.root, folders: { good: 'ok', defects: 'nok' } });
  expect(named.samples.map(({ id, label }) => [id, label])).toEqual([
    ['nok/2.png', 'anomalous'],
    ['ok/1.png', 'good'],
  ]);

  await folder.write({
    'ad/train/good/0.png': plainPng(6, 5, [1, 2, 3]),
    'ad/test/hole/0.png': plainPng(6, 5, [4, 5, 6]),
  });
  const root = `${folder.root}/ad`;
  await expect(openSource({ root })).rejects.toMatchObject({ code: 'dataset-invalid' });
  expect((await openSource({ root, masks: 'optional' })).samples).toHaveLength(2);
});
