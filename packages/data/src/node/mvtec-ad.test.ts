import path from 'node:path';
import sharp from 'sharp';
import type { Sample } from '../samples.js';
import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openMvtecAd } from './mvtec-ad.js';

/** Id, split, label, type of defect, and whether there is a mask. */
const rowsOf = (samples: readonly Sample[]): unknown[][] =>
  samples.map((sample) => [sample.id, sample.split, sample.label, sample.defectType, 'loadMask' in sample]);

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const image = plainPng(4, 3, [10, 20, 30]);
/** A different image for each split, because the same file in two splits is a problem. */
const other = (value: number): Buffer => plainPng(4, 3, [value, 20, 30]);
const complete = {
  'bottle/license.txt': 'words',
  'bottle/train/good/001.png': image,
  'bottle/train/good/000.PNG': image,
  'bottle/train/good/.DS_Store': 'x',
  'bottle/validation/good/000.png': other(11),
  'bottle/test/good/000.png': other(12),
  'bottle/test/scratch/000.png': other(13),
  'bottle/test/scratch/Thumbs.db': 'x',
  'bottle/ground_truth/scratch/000_mask.png': maskPng(4, 3),
};

test('reads the layout, from the root or from the category itself', async () => {
  await folder.write(complete);
  const source = await openMvtecAd({ root: folder.root, category: 'bottle' });
  expect(source.name).toBe('bottle');
  expect(rowsOf(source.samples)).toEqual([
    ['test/good/000.png', 'test', 'good', 'good', false],
    ['test/scratch/000.png', 'test', 'anomalous', 'scratch', true],
    ['train/good/000.PNG', 'train', 'good', 'good', false],
    ['train/good/001.png', 'train', 'good', 'good', false],
    ['validation/good/000.png', 'validation', 'good', 'good', false],
  ]);
  for (const options of [
    { root: `${folder.root}/bottle` },
    { root: `${folder.root}/bottle`, category: 'bottle' },
    { root: `${folder.root}/bottle/` },
  ]) {
    const same = await openMvtecAd(options);
    expect(same.name).toBe('bottle');
    expect(same.samples.map(({ id }) => id)).toEqual(source.samples.map(({ id }) => id));
  }
  const defect = source.samples[1]!;
  expect((await defect.load()).data.subarray(0, 3)).toEqual(Uint8Array.of(13, 20, 30));
  expect(await defect.loadMask!()).toEqual({
    width: 4,
    height: 3,
    channels: 1,
    data: Uint8Array.from({ length: 12 }, (_, index) => (index === 0 ? 255 : 0)),
  });
});

test('train/good alone is sufficient', async () => {
  await folder.write({ 'train/good/a.png': image });
  expect((await openMvtecAd({ root: folder.root })).samples).toHaveLength(1);
});

test('reports every problem in one error', async () => {
  await folder.write({
    ...complete,
    'bottle/train/good/text.png': 'not an image',
    'bottle/train/good/cut.png': plainPng(64, 64, [1, 2, 3]).subarray(0, 80),
    'bottle/train/good/old.gif': 'BM',
    'bottle/train/good/batch1/a.png': image,
    'bottle/train/bad/a.png': image,
    'bottle/validation/good/000.png': Buffer.alloc(0),
    'bottle/test/stray.png': image,
    'bottle/test/empty': undefined,
    'bottle/test/unmasked/a.png': other(14),
    'bottle/test/scratch/001.png': other(14),
    'bottle/test/scratch/002.png': other(14),
    'bottle/ground_truth/scratch/001_mask.png': maskPng(3, 4),
  });
  const error = await errorOf(openMvtecAd({ root: folder.root, category: 'bottle' }));
  const problems = problemsOf(error);
  expect(problems).toEqual([
    'ground_truth/scratch/001_mask.png: the mask is 3 x 4, its image test/scratch/001.png 4 x 3',
    'test/empty: the folder holds no images',
    "test/stray.png: an image directly in test; wanted a folder for it (good, or a defect's name)",
    'train/bad: unexpected folder; only train/good is allowed here',
    'train/good/batch1: a folder among the images; MVTec AD keeps them in train/good itself',
    expect.stringMatching(/^train\/good\/cut\.png: a damaged (or truncated )?PNG \(.+\)$/),
    'train/good/old.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    'train/good/text.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
    'validation/good/000.png: the file is empty',
  ]);
  expect(error.message).toContain(`The dataset ${folder.root}/bottle has 9 problems:\n`);
  for (const problem of problems) expect(error.message).toContain(problem);
  expect(error.hint).toContain('train/good');
});

test('the message shows twelve problems, the details all', async () => {
  await folder.write({
    'train/good/ok.png': image,
    ...Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`train/good/${10 + index}.png`, 'text'])),
  });
  const error = await errorOf(openMvtecAd({ root: folder.root }));
  expect(problemsOf(error)).toHaveLength(15);
  expect(error.message).toContain('has 15 problems');
  expect(error.message).toContain('train/good/21.png');
  expect(error.message).not.toContain('train/good/22.png');
  expect(error.message).toMatch(/and 3 more$/);
});

test('reports missing roots and folders, and lists the existing ones', async () => {
  await folder.write(complete);
  const { root } = folder;
  expect(problemsOf(await errorOf(openMvtecAd({ root: `${root}/none` })))).toEqual([
    `${root}/none: there is no such folder`,
  ]);
  expect(problemsOf(await errorOf(openMvtecAd({ root, category: 'botle' })))).toEqual([
    `${root}/botle: there is no such folder; ${root} holds the categories bottle`,
  ]);
  expect(problemsOf(await errorOf(openMvtecAd({ root })))).toEqual(['train/good: there is no such folder']);
});

describe('masks', () => {
  const parts = {
    'train/good/a.png': image,
    'test/good/a.png': other(3),
    'test/dent/a.png': other(1),
    'test/dent/b.png': other(2),
  };
  const masked = async (): Promise<unknown[]> =>
    (await openMvtecAd({ root: folder.root })).samples.flatMap((sample) =>
      'loadMask' in sample ? [[sample.id, sample.maskOrigin!.file!.slice(folder.root.length + 1)]] : [],
    );
  const warnings = async (): Promise<unknown> => (await openMvtecAd({ root: folder.root })).warnings;

  test('are optional; without any, nothing is said; if some are missing, they are counted and named', async () => {
    await folder.write(parts);
    expect([await masked(), await warnings()]).toEqual([[], []]);
    await folder.write({ 'ground_truth/dent/b_mask.png': maskPng(4, 3) });
    expect(await masked()).toEqual([['test/dent/b.png', 'ground_truth/dent/b_mask.png']]);
    expect(await warnings()).toEqual([
      '1 of 2 anomalous images have no mask, so pixel metrics leave them out: test/dent/a.png',
    ]);
  });

  test('beside their images are a problem; those of good images are not looked at', async () => {
    await folder.write({
      ...parts,
      'test/dent/a_mask.png': other(9),
      'ground_truth/good/a_mask.png': maskPng(4, 3),
    });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
      'test/dent/a_mask.png: named like the mask of a, but among the images',
    ]);
  });

  test('can be required', async () => {
    await folder.write({ ...parts, 'ground_truth/dent/b_mask.png': maskPng(4, 3) });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root, masks: 'required' })))).toEqual([
      'test/dent/a.png: its mask ground_truth/dent/a_mask.png is missing',
    ]);
  });

  test('a misspelled mask, or folder of masks, is a problem; masks of removed images are not', async () => {
    await folder.write({
      ...parts,
      'ground_truth/dent/a_mask.png': maskPng(4, 3),
      'ground_truth/dent/c_mask.png': maskPng(4, 3),
    });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
      'ground_truth/dent/c_mask.png: a mask without an image in test/dent, of which test/dent/b.png has no mask; is a name misspelled?',
    ]);
    await folder.write({ 'ground_truth/dent/b_mask.png': maskPng(4, 3) });
    expect(await warnings()).toEqual([
      '1 of the masks belong to no image in test/dent: ground_truth/dent/c_mask.png',
    ]);
    await folder.write({ 'test/hole/a.png': other(9), 'ground_truth/holes/a_mask.png': maskPng(4, 3) });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
      'ground_truth/holes: a mask without an image in test, of which test/hole has no mask; is a name misspelled?',
    ]);
  });

  test('may be called like their images; one mask for two images and two for one are problems', async () => {
    await folder.write({ ...parts, 'ground_truth/dent/a.png': maskPng(4, 3), 'truths/a.txt': '' });
    expect(await masked()).toEqual([['test/dent/a.png', 'ground_truth/dent/a.png']]);
    expect((await warnings()) as string[]).toContain(
      'not part of the layout of MVTec AD, so left out: the folders truths',
    );
    await folder.write({ 'test/dent/a.jpg': other(5), 'ground_truth/dent/a_mask.png': maskPng(4, 3) });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
      'ground_truth/dent/a_mask.png: a second mask for the image of ground_truth/dent/a.png',
      'test/dent/a.png: has the same mask ground_truth/dent/a.png as test/dent/a.jpg',
    ]);
  });

  test('a name in decomposed Unicode (macOS) is the same as one in composed Unicode', async () => {
    const [nfd, nfc] = ['u\u0308ber', '\u00fcber'];
    await folder.write({
      ...parts,
      [`test/${nfd}/${nfd}.png`]: other(7),
      [`test/${nfd}/${nfc}2.png`]: other(8),
      [`ground_truth/${nfc}/${nfc}_mask.png`]: maskPng(4, 3),
      [`ground_truth/${nfc}/${nfd}2_mask.png`]: maskPng(4, 3),
    });
    expect(await masked()).toEqual([
      [`test/${nfd}/${nfd}.png`, `ground_truth/${nfc}/${nfc}_mask.png`],
      [`test/${nfd}/${nfc}2.png`, `ground_truth/${nfc}/${nfd}2_mask.png`],
    ]);
  });
});

describe('BTAD', () => {
  const btad = {
    '01/train/ok/000.png': image,
    '01/test/ok/000.png': other(1),
    '01/test/ko/000.png': other(2),
    '01/ground_truth/ko/000.tif': maskPng(4, 3),
  };

  test('the only folder in train says how good images are called; masks are called like their images', async () => {
    await folder.write(btad);
    const { samples } = await openMvtecAd({ root: folder.root, category: '01' });
    expect(rowsOf(samples)).toEqual([
      ['test/ko/000.png', 'test', 'anomalous', 'ko', true],
      ['test/ok/000.png', 'test', 'good', 'good', false],
      ['train/ok/000.png', 'train', 'good', 'good', false],
    ]);
  });

  test.each([
    [
      'several folders in train',
      { '01/train/ko/1.png': other(4) },
      'train/good: there is no such folder, but there are train/ko, train/ok',
    ],
    [
      'another name of good in test',
      { '01/test/good/1.png': other(4) },
      'test/good: named like good images, but train/ok says how they are called',
    ],
  ])('refuses %s', async (_, more, wanted) => {
    await folder.write({ ...btad, ...more });
    expect(problemsOf(await errorOf(openMvtecAd({ root: `${folder.root}/01` })))).toEqual([wanted]);
  });

  test('the folders of train to choose from are in the details', async () => {
    await folder.write({ 'train/ok_front/0.png': image, 'train/def_front/0.png': other(1) });
    const { details } = await errorOf(openMvtecAd({ root: folder.root }));
    const names = ['def_front', 'ok_front'].map((name) => path.join(folder.root, 'train', name));
    expect(details.choose).toEqual(names);
  });

  test('refuses a train folder that is named like bad parts', async () => {
    await folder.write({ 'train/ko/000.png': image });
    expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
      'train/ko: named like bad parts; only good ones are trained on',
    ]);
  });
});

test('compares upright sizes', async () => {
  const turned = await sharp(image).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  await folder.write({
    'train/good/a.png': image,
    'test/dent/a.jpg': turned,
    'ground_truth/dent/a_mask.png': maskPng(3, 4),
  });
  const { samples } = await openMvtecAd({ root: folder.root });
  expect(await samples[0]!.load()).toMatchObject({ width: 3, height: 4 });
});

test('stops when aborted', async () => {
  await folder.write(complete);
  const signal = AbortSignal.abort('enough');
  expect((await errorOf(openMvtecAd({ root: folder.root, category: 'bottle', signal }))).code).toBe(
    'aborted',
  );
});
