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
import { image, writeImages } from './parts.test.util.js';

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
  folder = await writeImages();
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

test('a method that cannot learn further images refuses a lesson', async () => {
  await expect(detector.extend([image(0)])).rejects.toMatchObject({ code: 'invalid-argument' });
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
