import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeImage } from '@dskd/data/node';
import * as tf from '@tensorflow/tfjs-core';
import {
  loadDetector,
  methodNames,
  registerMethod,
  trainDetector,
  type Detector,
  type TrainOptions,
} from './index.js';
import { sourceFrom } from './images.js';

const SIDE = 48;

/** Gray with a bright square; a faulty one has a dark corner. */
function image(
  noise: number,
  faulty = false,
): { data: Uint8Array; width: number; height: number; channels: number } {
  const data = new Uint8Array(SIDE * SIDE * 3).map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    if (faulty && x < 14 && y < 14) return 0;
    const square = x > 16 && x < 32 && y > 16 && y < 32;
    return (square ? 220 : 128) + ((i * 37 + noise * 101) % 23);
  });
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

/** Students as small as they get. */
const SMALL: TrainOptions = {
  method: 'dskd',
  options: {
    preset: 'nano',
    architecture: { decoderWidths: [4, 8, 8], fusionWidths: [4, 8], phiChannels: 16 },
    gccb: { channels: 4 },
    epochs: 1,
    batchSize: 4,
  },
  input: { size: [32, 32] },
  calibration: { holdOutFraction: 0.3 },
  backend: 'wasm',
};

let folder: string;
let detector: Detector;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-'));
  for (let index = 0; index < 8; index++) {
    await writeFile(path.join(folder, `${index}.png`), await encodeImage(image(index)));
  }
  detector = await trainDetector(folder, SMALL);
  file = path.join(folder, '0.png');
});
afterAll(async () => {
  detector.dispose();
  await rm(folder, { recursive: true });
});

test('an image may be a path, an address, encoded bytes or pixels: one prediction each, the same', async () => {
  const wanted = await detector.predict(image(0));
  expect(wanted).toMatchObject({ verdict: expect.stringMatching(/^(normal|anomalous)$/) as string });
  for (const one of [file, pathToFileURL(file), pathToFileURL(file).href, await readFile(file)]) {
    expect(await detector.predict(one)).toEqual(wanted);
  }
  expect(await detector.predict(new Blob([new Uint8Array(await readFile(file))]))).toEqual(wanted);
});

test('an image that is given twice has two ids', async () => {
  const { samples } = await sourceFrom([file, image(0), file], {});
  expect(samples.map(({ id }) => id)).toEqual([file, 'image 1', `${file} (2)`]);
});

test('many images give many predictions: a list, an iterable, an async iterable', async () => {
  const wanted = [await detector.predict(image(0)), await detector.predict(image(101, true))];
  const images = [file, image(101, true)];
  expect(await detector.predict(images)).toEqual(wanted);
  expect(await detector.predict(new Set(images))).toEqual(wanted);
  async function* frames(): AsyncGenerator<(typeof images)[number]> {
    for (const each of images) yield await Promise.resolve(each);
  }
  expect(await detector.predict(frames())).toEqual(wanted);
  const scores: number[] = [];
  for await (const { score } of detector.predictEach(images)) scores.push(score);
  expect(scores).toEqual(wanted.map(({ score }) => score));
});

test('saved and loaded it scores the same, from a path, an address or bytes; only the file is left', async () => {
  const model = path.join(folder, 'model.safetensors');
  await detector.save(model);
  expect((await readdir(folder)).filter((name) => name.startsWith('model'))).toEqual(['model.safetensors']);
  const wanted = await detector.predict(file);
  for (const from of [model, pathToFileURL(model), new Uint8Array(await readFile(model))]) {
    using loaded = await loadDetector(from, { backend: 'wasm' });
    expect(await loaded.predict(file)).toEqual(wanted);
  }
});

test('a list of files trains the same detector as their folder; it owns the teacher it loaded: nothing is left', async () => {
  const before = tf.memory().numTensors;
  const other = await trainDetector(
    Array.from({ length: 8 }, (_, index) => path.join(folder, `${index}.png`)),
    SMALL,
  );
  expect(other.description.trainings[0]!.images).toBe(detector.description.trainings[0]!.images);
  expect(tf.memory().numTensors).toBeGreaterThan(before);
  other.dispose();
  expect(tf.memory().numTensors).toBe(before);
  await expect(other.predict(file)).rejects.toMatchObject({ code: 'disposed' });
});

test('a method without a teacher loads none: no tensors are left, and the file has none', async () => {
  const before = tf.memory().numTensors;
  using variation = await trainDetector(folder, { ...SMALL, method: 'vm', options: {} });
  expect(tf.memory().numTensors).toBe(before);
  expect(variation.description).toMatchObject({ method: 'vm', teacher: null });
  expect(variation.core.teacher).toBeUndefined();
  const bytes = variation.toBytes();
  expect(bytes.length).toBeLessThan(detector.toBytes().length / 4);
  using loaded = await loadDetector(bytes, { backend: 'wasm' });
  const faulty = await variation.predict(image(101, true));
  expect(await loaded.predict(image(101, true))).toEqual(faulty);
  expect(faulty.score).toBeGreaterThan((await variation.predict(image(101))).score);
  expect(tf.memory().numTensors).toBe(before);
});

test('images in memory train a detector', async () => {
  const pixels = Array.from({ length: 8 }, (_, index) => image(index));
  using ofPixels = await trainDetector(pixels, { ...SMALL, method: 'gaussian', options: {} });
  expect(ofPixels.description.calibration.scores).toHaveLength(2);
});

test('the threshold can be set, by hand and from more good images; it is kept', async () => {
  const before = detector.threshold;
  detector.threshold = 1e9;
  expect((await detector.predict(image(101, true))).verdict).toBe('normal');
  const { threshold } = await detector.recalibrate(folder, { falseAlarmRate: 0.2 });
  expect(detector.threshold).toBe(threshold);
  detector.threshold = before;
});

test('with nothing said: the method instant, at 128 px for images as small as these; learned in one pass', async () => {
  const events = new Set<string>();
  const onEvent = ({ type }: { readonly type: string }): unknown => events.add(type);
  using instant = await trainDetector(folder, { backend: 'wasm', onEvent });
  expect(instant.description).toMatchObject({
    method: 'instant',
    inputSize: [128, 128],
    fusion: { rule: 'soft-maximum', normalization: 'image-scores' },
    branches: [{ name: 'local' }, { name: 'global' }, { name: 'pooled', map: false }],
  });
  // There is nothing in these images that pieces could count.
  const told = ['branch-left-out', 'calibration-start', 'fit-progress', 'image-read'];
  expect([...events].sort()).toEqual(told);
  const [normal, faulty] = await instant.predict([image(101), image(101, true)]);
  expect(faulty!.score).toBeGreaterThan(normal!.score);
  expect(faulty!.verdict).toBe('anomalous');
  using loaded = await loadDetector(instant.toBytes(), { backend: 'wasm' });
  expect(await loaded.predict(image(101, true))).toEqual(faulty);
});

test('of two images to learn from no pooled Gaussian is fitted, with a warning', async () => {
  const few = [image(0), image(1), image(2)];
  const warnings: string[] = [];
  using bank = await trainDetector(few, {
    backend: 'wasm',
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  });
  expect(bank.description.branches.map(({ name }) => name)).toEqual(['local', 'global']);
  expect(warnings).toEqual([expect.stringContaining('2 good images are too few')]);
  const [normal, faulty] = await bank.predict([image(101), image(101, true)]);
  expect(faulty!.score).toBeGreaterThan(normal!.score);
});

test('good images are learned from a folder, paths or pixels, and forgotten: the file is the one before', async () => {
  using instant = await trainDetector(folder, {
    method: 'instant',
    options: { local: { coreset: { count: 60 } }, global: { components: 2 } },
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.3 },
    backend: 'wasm',
  });
  const before = instant.toBytes();
  const { score } = await instant.predict(image(101, true));
  const corner = path.join(folder, 'corners', '0.png');
  await mkdir(path.dirname(corner));
  await writeFile(corner, await encodeImage(image(102, true)));
  for (const lesson of [path.dirname(corner), [corner], [image(102, true)]]) {
    expect(await instant.extend(lesson)).toMatchObject({ images: 1, alarms: { after: 0 } });
    expect((await instant.predict(image(101, true))).score).toBeLessThan(score);
    expect(instant.forget().images).toMatchObject([{ width: 48, height: 48 }]);
    expect(Buffer.compare(instant.toBytes(), before)).toBe(0);
  }
  await rm(path.dirname(corner), { recursive: true });
  const { regions } = await instant.predict(image(101, true), { threshold: 0 });
  const [explained] = await instant.explain(image(101, true), regions, { most: 1 });
  expect(explained!.nearest.id).toMatch(/^\d\.png$/);
  await expect(detector.extend([image(0)])).rejects.toMatchObject({ code: 'invalid-argument' });
});

test.each([
  ['a folder that is not there', () => trainDetector('/no/such/folder', SMALL), 'dataset-invalid'],
  ['no images', () => trainDetector([], SMALL), 'dataset-invalid'],
  ['a method nobody knows', () => trainDetector(folder, { ...SMALL, method: 'magic' }), 'invalid-argument'],
  [
    'an option nobody knows',
    () => trainDetector(folder, { ...SMALL, options: { presett: 1 } }),
    'invalid-config',
  ],
  ['a file that is not there', () => loadDetector('/no/such/file'), 'file-not-found'],
  ['a file that is no model', () => loadDetector(file), 'weights-invalid'],
  ['an image that is not there', () => detector.predict('/no/such/image.png'), 'file-not-found'],
  ['no image', () => detector.predict(undefined as unknown as string), 'invalid-argument'],
  ['no image among several', () => detector.predict([null as unknown as string]), 'invalid-argument'],
  ['no training data', () => trainDetector(null as unknown as string), 'invalid-argument'],
  ['text in place of an image', () => detector.predict(new TextEncoder().encode('text')), 'image-unreadable'],
])('%s is refused by name', async (_, work, code) => {
  const before = tf.memory().numTensors;
  await expect(work()).rejects.toMatchObject({ code });
  expect(tf.memory().numTensors).toBe(before);
});

test('methods can be registered through this package', () => {
  expect(methodNames()).toEqual([
    'ae',
    'ae-ssim',
    'dskd',
    'efficientad',
    'fanogan',
    'fre',
    'gaussian',
    'gcad',
    'instant',
    'mkd',
    'mnad',
    'padim',
    'patchcore',
    'puad',
    'rd',
    'sinbad',
    'spade',
    'stfpm',
    'us',
    'vae',
    'vm',
  ]);
  expect(() => registerMethod({ name: 'dskd', load: () => Promise.reject(new Error()) })).toThrow('already');
});

test('folders that are named; a folder of which the call says that it is good may have subfolders', async () => {
  const kinds = await mkdtemp(path.join(tmpdir(), 'dskd-kinds-'));
  for (const name of ['ok', 'ko']) {
    await mkdir(path.join(kinds, name));
    await writeFile(path.join(kinds, name, '0.png'), await encodeImage(image(name === 'ok' ? 1 : 2)));
  }
  const named = { good: path.join(kinds, 'ok'), bad: [path.join(kinds, 'ko')] };
  const seen = async (...given: Parameters<typeof sourceFrom>): Promise<string[]> =>
    (await sourceFrom(...given)).samples.map(({ id, split, label }) => `${id} ${split} ${label}`);
  expect(await seen(named, {})).toEqual(['ko/0.png test anomalous', 'ok/0.png train good']);
  expect(await seen(named, { split: 'test' })).toEqual(['ko/0.png test anomalous', 'ok/0.png test good']);
  expect(await seen(path.join(kinds, 'ok'), { label: 'good' })).toEqual(['0.png train good']);
  await expect(sourceFrom(kinds, {})).rejects.toMatchObject({
    code: 'dataset-invalid',
    hint: expect.stringContaining('the data of trainDetector') as string,
  });
  await rm(kinds, { recursive: true });
});
