import sharp from 'sharp';
import {
  errorOf,
  maskPng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openMvtecAd } from './mvtec-ad.js';

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
  expect(
    source.samples.map((sample) => [
      sample.id,
      sample.split,
      sample.label,
      sample.defectType,
      'loadMask' in sample,
    ]),
  ).toEqual([
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
    'ground_truth/empty: there is no such folder: no masks for test/empty',
    'ground_truth/scratch/001_mask.png: the mask is 3 x 4, its image test/scratch/001.png 4 x 3',
    'ground_truth/unmasked: there is no such folder: no masks for test/unmasked',
    'test/empty: the folder holds no images',
    'test/scratch/002.png: its mask ground_truth/scratch/002_mask.png is missing',
    "test/stray.png: an image directly in test; wanted a folder for it (good, or a defect's name)",
    'train/bad: unexpected folder; only train/good is allowed here',
    'train/good/batch1: a folder among the images; MVTec AD keeps them in train/good itself',
    expect.stringMatching(/^train\/good\/cut\.png: a damaged (or truncated )?PNG \(.+\)$/),
    'train/good/old.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    'train/good/text.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
    'validation/good/000.png: the file is empty',
  ]);
  expect(error.message).toContain(`The dataset ${folder.root}/bottle has 12 problems:\n`);
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

test('masks may be declared optional', async () => {
  await folder.write({
    'train/good/a.png': image,
    'test/dent/a.png': other(1),
    'test/dent/b.png': other(2),
  });
  expect(problemsOf(await errorOf(openMvtecAd({ root: folder.root })))).toEqual([
    'ground_truth/dent: there is no such folder: no masks for test/dent',
  ]);
  await folder.write({ 'ground_truth/dent/b_mask.png': maskPng(4, 3) });
  const { samples } = await openMvtecAd({ root: folder.root, masks: 'optional' });
  expect(samples.map((sample) => [sample.id, 'loadMask' in sample])).toEqual([
    ['test/dent/a.png', false],
    ['test/dent/b.png', true],
    ['train/good/a.png', false],
  ]);
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
