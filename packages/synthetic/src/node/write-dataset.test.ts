import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDskdError, type PixelBuffer } from '@dskd/base';
import sharp from 'sharp';
import { CATEGORIES } from '../categories.js';
import { defectsConfig } from '../plan-dataset.js';
import { generateScene, GENERATOR_VERSION } from '../generate-scene.js';
import { sameBytes } from '../pixels.test.util.js';

import { writeDataset, type WriteDatasetOptions } from './write-dataset.js';

const OPTIONS: WriteDatasetOptions = {
  category: 'harness',
  size: 128,
  seed: 7,
  train: 2,
  validation: 1,
  test: 21,
};
/** A fast encoder whose output shows its input. */
const encode = ({ data, channels }: PixelBuffer): Promise<Uint8Array> =>
  Promise.resolve(Uint8Array.of(channels, Math.max(...data.subarray(0, 16384))));

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd-synthetic-'));
});
afterEach(() => rm(root, { recursive: true }));

const files = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
};

test('writes the layout of MVTec LOCO AD: one folder of masks per image, one file per region', async () => {
  const { folder, images } = await writeDataset(root, { ...OPTIONS, encode });
  expect(folder).toBe(path.join(root, 'harness'));
  expect(await readdir(root)).toEqual(['harness']);
  const truth = images.flatMap((image) =>
    generateScene({ ...image, size: 128 }).regions.map(
      (_, i) => `${image.path.replace('test/', 'ground_truth/')}/00${i}.png`,
    ),
  );
  expect(truth.some((name) => name.endsWith('001.png'))).toBe(true);
  expect(await files(folder)).toEqual(
    [...images.map((image) => `${image.path}.png`), ...truth, 'defects_config.json', 'synthetic.json'].sort(),
  );
  expect(images.map((image) => image.path)).toContain('test/logical_anomalies/006');
});

test('the PNGs contain the pixels, and the masks the pixel values of the config', async () => {
  const { folder, images } = await writeDataset(root, { ...OPTIONS, train: 1, validation: 0, test: 3 });
  const config = JSON.parse(await readFile(path.join(folder, 'defects_config.json'), 'utf8')) as unknown;
  expect(config).toEqual(defectsConfig('harness', { size: 128 }));
  for (const planned of images) {
    const { image, regions } = generateScene({ ...planned, size: 128 });
    const read = async (file: string, colors: 'srgb' | 'b-w'): Promise<Uint8Array> => {
      const encoded = sharp(path.join(folder, file));
      expect((await encoded.metadata()).channels).toBe(colors === 'srgb' ? 3 : 1);
      return new Uint8Array(await encoded.toColourspace(colors).raw().toBuffer());
    };
    expect(sameBytes(await read(`${planned.path}.png`, 'srgb'), image.data)).toBe(true);
    for (const [i, { mask }] of regions.entries()) {
      const file = `${planned.path.replace('test/', 'ground_truth/')}/00${i}.png`;
      expect(sameBytes(await read(file, 'b-w'), mask.data)).toBe(true);
    }
  }
});

test('records how the dataset was made', async () => {
  const { folder } = await writeDataset(root, { ...OPTIONS, level: 'hard', encode });
  const record = JSON.parse(await readFile(path.join(folder, 'synthetic.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  expect(record).toMatchObject({
    generator: '@dskd/synthetic',
    version: GENERATOR_VERSION,
    category: 'harness',
    size: 128,
    level: 'hard',
    seed: 7,
  });
  const images = record.images as Record<string, unknown>[];
  expect(images[0]).toEqual({ path: 'train/good/000', split: 'train', index: 0 });
  expect(images.at(-1)).toMatchObject({ split: 'test', anomaly: expect.any(String) as string });
});

test('reports each image', async () => {
  const told: string[] = [];
  await writeDataset(root, {
    ...OPTIONS,
    test: 3,
    encode,
    onImage: (image, index, total) => told.push(`${index}/${total} ${image.path}`),
  });
  expect(told.sort()).toEqual([
    '0/6 train/good/000',
    '1/6 train/good/001',
    '2/6 validation/good/000',
    '3/6 test/good/000',
    '4/6 test/logical_anomalies/000',
    '5/6 test/structural_anomalies/000',
  ]);
});

test('refuses a folder that is not empty, unless told to replace it', async () => {
  const first = await writeDataset(root, { ...OPTIONS, encode });
  await expect(writeDataset(root, { ...OPTIONS, encode })).rejects.toThrow(/harness is not empty/);
  await writeDataset(root, { ...OPTIONS, category: 'tray', test: 0, encode });
  const second = await writeDataset(root, { ...OPTIONS, test: 0, overwrite: true, encode });
  expect(second.folder).toBe(first.folder);
  expect(await files(second.folder)).toEqual([
    'defects_config.json',
    'synthetic.json',
    'train/good/000.png',
    'train/good/001.png',
    'validation/good/000.png',
  ]);
  expect((await readdir(root)).sort()).toEqual(['harness', 'tray']);
});

describe('a process that was killed while it replaced a dataset', () => {
  const aside = '.harness.0123456789ab.old.tmp';
  const other = '.tray.0123456789ab.old.tmp';

  test('between the two renames: the next call restores the old dataset', async () => {
    const { folder } = await writeDataset(root, { ...OPTIONS, encode });
    const before = await files(folder);
    await rename(folder, path.join(root, aside));
    await mkdir(path.join(root, other));
    await expect(writeDataset(root, { ...OPTIONS, test: 0, encode })).rejects.toThrow(/harness is not empty/);
    expect((await readdir(root)).sort()).toEqual([other, 'harness']);
    expect(await files(folder)).toEqual(before);

    await rename(folder, path.join(root, aside));
    await writeDataset(root, { ...OPTIONS, test: 0, overwrite: true, encode });
    expect((await readdir(root)).sort()).toEqual([other, 'harness']);
    expect((await files(folder)).length).toBe(5);
  });

  test('of two old datasets, the newer one is restored, and stays if the next call fails', async () => {
    const { folder } = await writeDataset(root, { ...OPTIONS, test: 0, encode });
    const before = await files(folder);
    await mkdir(path.join(root, '.harness.000000000000.old.tmp'));
    await writeFile(path.join(root, '.harness.000000000000.old.tmp', 'older'), 'x');
    await utimes(path.join(root, '.harness.000000000000.old.tmp'), 1000, 1000);
    await rename(folder, path.join(root, aside));
    const failing = (): Promise<Uint8Array> => Promise.reject(new Error('the disk is full'));
    const written = writeDataset(root, { ...OPTIONS, overwrite: true, encode: failing });
    await expect(written).rejects.toThrow('the disk is full');
    expect(await readdir(root)).toEqual(['harness']);
    expect(await files(folder)).toEqual(before);
  });

  test('after both renames: the remains of the old dataset are removed', async () => {
    await writeDataset(root, { ...OPTIONS, test: 0, encode });
    await mkdir(path.join(root, aside, 'train'), { recursive: true });
    await writeDataset(root, { ...OPTIONS, test: 0, overwrite: true, encode });
    expect(await readdir(root)).toEqual(['harness']);
  });
});

test('makes no folder for a split without images', async () => {
  const { folder } = await writeDataset(root, { ...OPTIONS, validation: 0, test: 2, encode });
  expect((await readdir(folder)).sort()).toEqual([
    'defects_config.json',
    'ground_truth',
    'synthetic.json',
    'test',
    'train',
  ]);
  expect((await readdir(path.join(folder, 'test'))).sort()).toEqual(['good', 'logical_anomalies']);
});

test('never replaces a folder that was not written by this package', async () => {
  await mkdir(path.join(root, 'harness'));
  await writeFile(path.join(root, 'harness', 'thesis.tex'), 'x');
  const replaced = writeDataset(root, { ...OPTIONS, overwrite: true, encode });
  await expect(replaced).rejects.toThrow(/holds something else than a synthetic dataset/);
  expect(await files(root)).toEqual(['harness/thesis.tex']);
});

test('fills an existing empty folder', async () => {
  await mkdir(path.join(root, 'harness'));
  await writeDataset(root, { ...OPTIONS, test: 0, encode });
  expect((await files(root)).length).toBe(5);
});

test('an abort leaves no files and changes no existing ones', async () => {
  await writeDataset(root, { ...OPTIONS, test: 0, encode });
  const before = await files(root);
  const controller = new AbortController();
  const written = writeDataset(root, {
    ...OPTIONS,
    overwrite: true,
    signal: controller.signal,
    encode,
    onImage: (_image, index) => {
      if (index === 5) controller.abort();
    },
  });
  expect(isDskdError(await written.catch((error: unknown) => error), 'aborted')).toBe(true);
  expect(await files(root)).toEqual(before);
});

test('a failing encoder leaves no files', async () => {
  let calls = 0;
  const failing = (pixels: PixelBuffer): Promise<Uint8Array> =>
    ++calls === 7 ? Promise.reject(new Error('the disk is full')) : encode(pixels);
  await expect(writeDataset(root, { ...OPTIONS, encode: failing })).rejects.toThrow('the disk is full');
  expect(await readdir(root)).toEqual([]);
});

test.each([[{ size: 64 }], [{ level: 'mad' as 'hard' }], [{ category: 'x' }], [{ train: -1 }]])(
  'refuses %o before it writes anything',
  async (wrong) => {
    const error: unknown = await writeDataset(root, { ...OPTIONS, encode, ...wrong }).catch(
      (reason: unknown) => reason,
    );
    expect(isDskdError(error, 'invalid-argument')).toBe(true);
    expect(await readdir(root)).toEqual([]);
  },
);

test('every category can be written', async () => {
  for (const { name } of CATEGORIES) {
    await writeDataset(root, { ...OPTIONS, category: name, train: 1, validation: 0, test: 0, encode });
  }
  expect((await readdir(root)).sort()).toEqual(CATEGORIES.map(({ name }) => name).sort());
});
