import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { CATEGORIES, generateScene } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';
import { splitBySeed } from '../split-by-seed.js';
import {
  errorOf,
  makePng,
  plainPng,
  problemsOf,
  temporaryFolder,
  type TemporaryFolder,
} from './fabricate.test.util.js';
import { openMvtecLocoAd } from './mvtec-loco-ad.js';
import { openSource } from './open-source.js';
import { writeManifest } from './manifest.js';

let folder: TemporaryFolder;
beforeEach(async () => (folder = await temporaryFolder()));
afterEach(() => folder.remove());

/** A gray PNG of 4 x 3 pixels with these values. */
const gray = (...pixels: number[]): Buffer =>
  makePng({
    width: 4,
    height: 3,
    colorType: 0,
    bitDepth: 8,
    rows: [0, 4, 8].map((at) => Array.from({ length: 4 }, (_, x) => pixels[at + x] ?? 0)),
  });
const image = (red: number): Buffer => plainPng(4, 3, [red, 0, 0]);
const kind = (name: string, value: number, threshold: number, relative: boolean): object => ({
  defect_name: name,
  pixel_value: value,
  saturation_threshold: threshold,
  relative_saturation: relative,
});
const config = JSON.stringify([
  kind('missing_pin', 255, 3, false),
  kind('crack', 254, 0.5, true),
  kind('never_seen', 253, 1, true),
]);
const complete: Readonly<Record<string, Buffer | string>> = {
  'pins/defects_config.json': config,
  'pins/license.txt': 'words',
  'pins/train/good/000.png': image(1),
  'pins/validation/good/000.png': image(2),
  'pins/test/good/000.png': image(3),
  'pins/test/logical_anomalies/000.png': image(4),
  'pins/test/structural_anomalies/000.png': image(5),
  // Two defects of one type and one of another; the last two share a pixel.
  'pins/ground_truth/logical_anomalies/000/000.png': gray(255, 255, 255, 255),
  'pins/ground_truth/logical_anomalies/000/001.png': gray(0, 0, 0, 0, 0, 255),
  'pins/ground_truth/logical_anomalies/000/002.png': gray(0, 0, 0, 0, 0, 254, 254, 254),
  'pins/ground_truth/structural_anomalies/000/000.png': gray(254, 254),
};
const open = (): ReturnType<typeof openMvtecLocoAd> =>
  openMvtecLocoAd({ root: folder.root, category: 'pins' });

test('reads the layout; openSource detects it', async () => {
  await folder.write(complete);
  const source = await open();
  expect(source.name).toBe('pins');
  expect(source.samples.map(({ id, split, label, defectType }) => [id, split, label, defectType])).toEqual([
    ['test/good/000.png', 'test', 'good', 'good'],
    ['test/logical_anomalies/000.png', 'test', 'anomalous', 'logical_anomalies'],
    ['test/structural_anomalies/000.png', 'test', 'anomalous', 'structural_anomalies'],
    ['train/good/000.png', 'train', 'good', 'good'],
    ['validation/good/000.png', 'validation', 'good', 'good'],
  ]);
  for (const sample of source.samples) {
    const hasTruth = sample.label === 'anomalous';
    expect(['loadMask' in sample, 'loadRegions' in sample]).toEqual([hasTruth, hasTruth]);
  }
  for (const options of [{ root: folder.root, category: 'pins' }, { root: path.join(folder.root, 'pins') }]) {
    const found = await openSource(options);
    expect('loadRegions' in found.samples[1]!).toBe(true);
    expect(await found.fingerprint()).toBe(await source.fingerprint());
  }
});

test('regions are separate, each with its type and saturation area; the mask is their union', async () => {
  await folder.write(complete);
  const { samples } = await open();
  const regions = await samples[1]!.loadRegions!();
  expect(regions.map(({ defectType, saturationArea }) => [defectType, saturationArea])).toEqual([
    ['missing_pin', 3],
    ['missing_pin', 1],
    ['crack', 1],
  ]);
  const marked = (data: ArrayLike<number>): number[] =>
    Array.from(data).flatMap((value, pixel) => (value === 0 ? [] : [pixel]));
  expect(regions.map(({ mask }) => marked(mask.data))).toEqual([[0, 1, 2, 3], [5], [5, 6, 7]]);
  for (const { mask } of regions) expect(mask).toMatchObject({ width: 4, height: 3, channels: 1 });
  const union = await samples[1]!.loadMask!();
  expect(union).toMatchObject({ width: 4, height: 3, channels: 1 });
  expect(marked(union.data)).toEqual([0, 1, 2, 3, 5, 6, 7]);
  expect(regions.map(({ mask }) => marked(mask.data))).toEqual([[0, 1, 2, 3], [5], [5, 6, 7]]);
});

test('the fingerprint depends on masks, types and saturation areas, not on file names', async () => {
  await folder.write(complete);
  const first = await (await open()).fingerprint();
  const with_ = async (changes: Readonly<Record<string, Buffer | string>>): Promise<string> => {
    await folder.write({ ...complete, ...changes });
    return (await open()).fingerprint();
  };
  const changed = [
    await with_({ 'pins/ground_truth/logical_anomalies/000/001.png': gray(0, 0, 0, 0, 255) }),
    await with_({ 'pins/defects_config.json': config.replace('"crack"', '"split"') }),
    await with_({ 'pins/defects_config.json': config.replace('0.5', '1') }),
  ];
  expect(new Set([first, ...changed]).size).toBe(4);
  expect(await with_({ 'pins/defects_config.json': config.replace('never_seen', 'still_unseen') })).toBe(
    first,
  );
  const swapped = await with_({
    'pins/ground_truth/logical_anomalies/000/000.png': gray(0, 0, 0, 0, 0, 255),
    'pins/ground_truth/logical_anomalies/000/001.png': gray(255, 255, 255, 255),
  });
  expect(swapped).toBe(first);
});

test('a partial dataset is sufficient: no test, no validation, no masks', async () => {
  await folder.write({ 'pins/train/good/000.png': image(1) });
  expect((await open()).samples).toHaveLength(1);
  await folder.write({ 'pins/test/good/000.png': image(2) });
  expect((await open()).samples).toHaveLength(2);
});

test('masks are optional, with the config: all, or those of some images', async () => {
  const withoutTruth = Object.entries(complete).filter(([name]) => !name.startsWith('pins/ground_truth'));
  await folder.write(Object.fromEntries(withoutTruth.filter(([name]) => !name.endsWith('.json'))));
  const none = await open();
  expect(none.samples.map((sample) => 'loadMask' in sample || 'loadRegions' in sample)).not.toContain(true);
  expect([none.samples.length, none.warnings]).toEqual([5, []]);
  await folder.write({
    'pins/defects_config.json': config,
    'pins/ground_truth/logical_anomalies/000/000.png': gray(255),
  });
  const some = await open();
  expect(some.samples.filter((sample) => 'loadRegions' in sample).map(({ id }) => id)).toEqual([
    'test/logical_anomalies/000.png',
  ]);
  expect(some.warnings).toEqual([
    '1 of 2 anomalous images have no mask, so pixel metrics leave them out: test/structural_anomalies/000.png',
  ]);
  await folder.write({ 'pins/ground_truth/logical_anomalies/00O/000.png': gray(255) });
  await folder.write({ 'pins/test/logical_anomalies/001.png': image(9) });
  expect(problemsOf(await errorOf(open()))).toEqual([
    'ground_truth/logical_anomalies/00O: a mask without an image in test/logical_anomalies, of which test/logical_anomalies/001.png has no mask; is a name misspelled?',
  ]);
});

test('reports every problem in one error', async () => {
  const truth = 'pins/ground_truth';
  await folder.write({
    ...complete,
    'pins/defects_config.json': JSON.stringify([
      kind('missing_pin', 255, 3, false),
      kind('crack', 254, 1, true),
      kind('scratch', 253, 0.3, true),
    ]),
    'pins/train/good/cut.png': plainPng(64, 64, [1, 2, 3]).subarray(0, 80),
    'pins/train/bad/0.png': image(1),
    'pins/validation/other/0.png': image(1),
    'pins/test/stray.png': image(1),
    'pins/test/scratch/000.png': image(6),
    'pins/test/structural_anomalies/000.jpg': image(7),
    [`${truth}/structural_anomalies/000.png`]: gray(254),
    [`${truth}/structural_anomalies/009/000.png`]: gray(254),
    // Each of these has one problem.
    ...Object.fromEntries(
      ['001', '002', '003', '004', '005', '006', '007', '008', '009'].map((name, index) => [
        `pins/test/logical_anomalies/${name}.png`,
        image(10 + index),
      ]),
    ),
    [`${truth}/logical_anomalies/001/000.png`]: gray(255, 254),
    [`${truth}/logical_anomalies/002/000.png`]: gray(7),
    [`${truth}/logical_anomalies/003/000.png`]: gray(),
    [`${truth}/logical_anomalies/004/000.png`]: plainPng(3, 4, [255, 255, 255]),
    [`${truth}/logical_anomalies/005/000.gif`]: 'BM',
    [`${truth}/logical_anomalies/006/text.png`]: 'words',
    [`${truth}/logical_anomalies/007/readme.txt`]: 'words',
    [`${truth}/logical_anomalies/009/000.png`]: gray(253, 253, 253),
  });
  const error = await errorOf(open());
  const problems: unknown[] = [
    'ground_truth/logical_anomalies/001/000.png: the mask has 2 values besides 0 (254, 255); a file must mark one defect, by one value',
    'ground_truth/logical_anomalies/002/000.png: its value 7 is not a pixel_value in defects_config.json (253, 254, 255)',
    'ground_truth/logical_anomalies/003/000.png: the mask has no marked pixels',
    'ground_truth/logical_anomalies/004/000.png: the mask is 3 x 4, its image test/logical_anomalies/004.png 4 x 3',
    'ground_truth/logical_anomalies/005/000.gif: GIF is not supported, only PNG, JPEG, WebP, TIFF and BMP; convert it without loss, for example to PNG',
    'ground_truth/logical_anomalies/006/text.png: unsupported format (text); supported are PNG, JPEG, WebP, TIFF and BMP',
    'ground_truth/logical_anomalies/007: the folder holds no masks',
    'ground_truth/logical_anomalies/009/000.png: the saturation_threshold 0.3 of scratch is less than one pixel of its area of 3; wanted a threshold of at least one pixel, or a larger region',
    'ground_truth/structural_anomalies/000.png: a mask outside the folder of its image; MVTec LOCO AD keeps those of 000.png in ground_truth/structural_anomalies/000',
    'test/scratch: unexpected folder; only good, logical_anomalies and structural_anomalies are allowed here',
    "test/stray.png: an image directly in test; wanted a folder for it (good, or a defect's name)",
    'test/structural_anomalies/000.png: has the same mask ground_truth/structural_anomalies/000 as test/structural_anomalies/000.jpg',
    'train/bad: unexpected folder; only train/good is allowed here',
    expect.stringMatching(/^train\/good\/cut\.png: a damaged (or truncated )?PNG \(.+\)$/),
    'validation/other: unexpected folder; only validation/good is allowed here',
  ];
  expect(problemsOf(error)).toEqual(problems);
  expect(error.hint).toContain('ground_truth/<subset>/<image>/<defect>.png and defects_config.json');
});

test('reports a missing or invalid config together with the other problems', async () => {
  await folder.write({ ...complete, 'pins/ground_truth/logical_anomalies/000/001.png': gray() });
  await rm(path.join(folder.root, 'pins/defects_config.json'));
  const nothing = 'ground_truth/logical_anomalies/000/001.png: the mask has no marked pixels';
  for (const opened of [open(), openSource({ root: folder.root, category: 'pins' })]) {
    expect(problemsOf(await errorOf(opened))).toEqual([
      'defects_config.json: there is no such file, so the meaning of the masks is unknown',
      nothing,
    ]);
  }
  await folder.write({ 'pins/defects_config.json': JSON.stringify([kind('', 0, 2, true)]) });
  expect(problemsOf(await errorOf(open()))).toEqual([
    'defects_config.json: entry 1: defect_name is ""; wanted a name',
    'defects_config.json: entry 1: pixel_value is 0; wanted a whole number from 1 to 255',
    `defects_config.json: entry 1: saturation_threshold is 2; wanted at most 1, a fraction of the region's area (it is relative)`,
    nothing,
  ]);
});

test('missing masks of a subset, and masks of a missing subset', async () => {
  await folder.write({
    'pins/defects_config.json': config,
    'pins/train/good/000.png': image(1),
    'pins/test/logical_anomalies/000.png': image(4),
    'pins/ground_truth/structural_anomalies/000/000.png': gray(254, 254),
  });
  expect(problemsOf(await errorOf(open()))).toEqual([
    'ground_truth/structural_anomalies: masks, but there is no folder test/structural_anomalies',
  ]);
});

test('keeps regions when a source is split again; a manifest cannot contain them', async () => {
  await folder.write(complete);
  const source = await open();
  const dealt = splitBySeed(source, { validation: 0, test: 0.3, seed: 1 });
  const regions = await dealt.samples[1]!.loadRegions!();
  expect(regions).toHaveLength(3);
  const error = await errorOf(writeManifest(source, path.join(folder.root, 'x.csv')));
  expect([error.code, error.message]).toEqual([
    'invalid-argument',
    expect.stringContaining('The defects of test/logical_anomalies/000.png have separate masks'),
  ]);
});

/** An entry of defects_config.json. */
interface WrittenEntry {
  readonly defect_name: string;
  readonly saturation_threshold: number;
  readonly relative_saturation: boolean;
}

test('reads back the output of @dskd/synthetic, region by region, for every category', async () => {
  const size = 128;
  const options = { size, seed: 7, train: 1, validation: 1, test: 12 };
  let several = 0;
  for (const { name: category } of CATEGORIES) {
    const { images } = await writeDataset(folder.root, { ...options, category });
    const source = await openSource({ root: folder.root, category });
    expect(source.samples).toHaveLength(images.length);
    const config = await readFile(path.join(folder.root, category, 'defects_config.json'), 'utf8');
    const kinds = new Map((JSON.parse(config) as WrittenEntry[]).map((entry) => [entry.defect_name, entry]));
    for (const planned of images) {
      const sample = source.samples.find(({ id }) => id === `${planned.path}.png`)!;
      const scene = generateScene({ ...planned, size });
      expect(sample.defectType).toBe(planned.label);
      const regions = (await sample.loadRegions?.()) ?? [];
      expect(regions.map(({ defectType }) => defectType)).toEqual(
        scene.regions.map(({ defectType }) => defectType),
      );
      if (regions.length > 1) several++;
      for (const [index, { mask, defectType, saturationArea }] of regions.entries()) {
        const drawn = scene.regions[index]!.mask.data;
        expect(mask.data.every((value, pixel) => value > 0 === drawn[pixel]! > 0)).toBe(true);
        const area = Array.from(drawn).filter((value) => value > 0).length;
        const { saturation_threshold: threshold, relative_saturation: relative } = kinds.get(defectType)!;
        expect(saturationArea).toBe(relative ? Math.trunc(threshold * area) : Math.min(threshold, area));
      }
    }
  }
  expect(several).toBeGreaterThan(0);
});
