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
    expect((await openSource({ root: folder.root, label: 'good' })).samples).toHaveLength(2);
    expect((await openSource({ root: folder.root, category: 'day1' })).samples).toHaveLength(1);
  });

  test('asks for a category if there are several', async () => {
    await folder.write({ ...category, 'box/train/good/a.png': image });
    const error = await errorOf(openSource({ root: folder.root }));
    expect(problemsOf(error)).toEqual([`${folder.root}: contains the categories box, cap; choose one`]);
    expect(error.hint).toContain("'box'");
  });

  test.each([
    ['good', 'scratched'],
    ['ok', 'Defective'],
    ['images', 'masks'],
    ['test', 'ground_truth'],
  ])('does not take %s and %s for good images', async (...folders) => {
    await folder.write(Object.fromEntries(folders.map((name) => [`${name}/a.png`, image])));
    const error = await errorOf(openSource({ root: folder.root }));
    const named = folders.map((name) => `${folder.root}/${name}`);
    expect([...(error.details.choose as string[])].sort()).toEqual(named.sort());
  });

  test('reports an empty folder', async () => {
    const { root } = folder;
    expect(problemsOf(await errorOf(openSource({ root })))).toEqual([`${root}: the folder holds no images`]);
    expect(problemsOf(await errorOf(openSource({ root: `${root}/no` })))).toEqual([
      `${root}/no: there is no such folder`,
    ]);
  });
});

test('folders of a plain folder may have other names', async () => {
  await folder.write({ 'ok/1.png': plainPng(6, 5, [1, 2, 3]), 'nok/2.png': plainPng(6, 5, [4, 5, 6]) });
  const named = await openSource({ root: folder.root, folders: { good: 'ok', bad: 'nok' } });
  expect(named.samples.map(({ id, label }) => [id, label])).toEqual([
    ['nok/2.png', 'anomalous'],
    ['ok/1.png', 'good'],
  ]);
});

describe('VisA', () => {
  const visa = {
    'candle/Data/Images/Normal/0.png': plainPng(2, 2, [1, 0, 0]),
    'candle/Data/Images/Normal/1.png': plainPng(2, 2, [2, 0, 0]),
    'candle/Data/Images/Anomaly/0.png': plainPng(2, 2, [3, 0, 0]),
    'candle/Data/Masks/Anomaly/0.png': maskPng(2, 2),
    'candle/image_anno.csv': '',
  };
  const open = async (): Promise<unknown[]> => {
    const { samples, warnings } = await openSource({ root: folder.root, category: 'candle' });
    return [samples.map((sample) => [sample.split, sample.label, 'loadMask' in sample]), warnings];
  };

  test('with the published list, its splits; without it, all normal images are train, with a warning', async () => {
    await folder.write(visa);
    expect(await open()).toEqual([
      [
        ['test', 'anomalous', true],
        ['train', 'good', false],
        ['train', 'good', false],
      ],
      ['there is no split_csv/1cls.csv beside candle, so all normal images are train and none is test'],
    ]);
    const rows = [
      'Normal/0.png,train,normal,',
      'Normal/1.png,test,normal,',
      'Anomaly/0.png,test,anomaly,',
    ].map((row) => {
      const [image, split, label] = row.split(',');
      const mask = label === 'anomaly' ? 'candle/Data/Masks/Anomaly/0.png' : '';
      return `candle,${split!},${label!},candle/Data/Images/${image!},${mask}`;
    });
    const header = 'object,split,label,image,mask';
    await folder.write({ 'split_csv/1cls.csv': [header, ...rows, 'pcb1,train,normal,x.JPG,'].join('\n') });
    expect(await open()).toEqual([
      [
        ['test', 'anomalous', true],
        ['train', 'good', false],
        ['test', 'good', false],
      ],
      [],
    ]);
    expect(problemsOf(await errorOf(openSource({ root: folder.root })))).toEqual([
      `${folder.root}: contains the categories candle; choose one`,
    ]);
  });
});
