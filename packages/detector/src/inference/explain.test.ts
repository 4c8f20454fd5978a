import * as tf from '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { sourceOf, type ImageSource } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import type { Region } from '@dskd/scoring';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { loadDetector } from '../artifact/load-detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { instantDetector } from '../lessons/instant.test.util.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from '../training/train-detector.js';
import type { Detector } from './detector.js';

let teacher: Teacher;
let detector: Detector;
let faulty: PixelBuffer;
let good: PixelBuffer;
let regions: readonly Region[];

beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  detector = await instantDetector(teacher);
  const { samples } = tinySource();
  good = await samples[0]!.load();
  faulty = await samples.find(({ label }) => label === 'anomalous')!.load();
  ({ regions } = await detector.predict(faulty));
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

/** A region whose highest point is `(x, y)`. */
const regionAt = (x: number, y: number, area = 4): Region => ({
  box: { left: x, top: y, width: 2, height: 2 },
  area,
  score: 9,
  peak: { x, y },
});

test('a region gets the nearest patch of the training images: name, place in their pixels, distance', async () => {
  expect(regions.length).toBeGreaterThan(0);
  const explained = await expectNoNewTensors(() => detector.explain(faulty, regions));
  const { trainingImages } = detector.description;
  for (const [index, { nearest, ...region }] of explained.entries()) {
    expect(regions).toContainEqual(region);
    expect(nearest.id).toBe(trainingImages![nearest.index]!.id);
    expect(nearest.distance).toBeGreaterThan(0);
    const { left, top, width, height } = nearest.area;
    expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
    expect(Math.min(width, height)).toBeGreaterThan(0);
    expect(Math.max(left + width, top + height)).toBeLessThanOrEqual(40);
    if (index > 0) expect(region.area).toBeLessThanOrEqual(explained[index - 1]!.area);
  }
});

test('the images are named in the order of the fit; held-out ones are not among them', () => {
  const { trainingImages, trainings, calibration } = detector.description;
  expect(trainingImages).toHaveLength(trainings[0]!.images);
  expect(trainingImages!.length + calibration.scores.length).toBe(8);
  for (const image of trainingImages!) {
    expect(image).toEqual({
      id: expect.stringMatching(/^train\/good\/\d\.png$/) as string,
      width: 40,
      height: 40,
    });
  }
});

test('a patch of a training image that is in the bank is nearest to itself', async () => {
  const bank = await instantDetector(teacher, { method: 'patchcore', source: oneImageThrice(good) });
  const [explained] = await bank.explain(good, [regionAt(21, 3)]);
  expect(explained!.nearest.distance).toBeLessThan(0.05);
  const { left, top, width, height } = explained!.nearest.area;
  expect([left <= 21 && left + width > 21, top <= 3 && top + height > 3]).toEqual([true, true]);
  bank.dispose();
});

/** The same image under three names: each patch of it is in a bank of all. */
function oneImageThrice(image: PixelBuffer): ImageSource {
  const samples = ['a', 'b', 'c'].map((id) => ({
    id,
    split: 'train' as const,
    label: 'good' as const,
    defectType: 'good',
    load: () => Promise.resolve(image),
  }));
  return sourceOf('one', samples);
}

test('a lesson is named, too, also after a reload', async () => {
  const taught = await loadDetector(detector.save({ embedTeacher: false }), { teacher });
  await taught.extend([faulty]);
  const loaded = await loadDetector(taught.save({ embedTeacher: false }), { teacher });
  for (const each of [taught, loaded]) {
    const [explained] = await each.explain(faulty, [regionAt(6, 6)]);
    expect(explained!.nearest).toMatchObject({
      id: 'image 0',
      index: detector.description.trainingImages!.length,
    });
    each.dispose();
  }
});

test('the largest regions come first, at most so many; none takes no work', async () => {
  const many = [3, 9, 5, 7].map((area, index) => regionAt(index, index, area));
  const explained = await detector.explain(faulty, many, { most: 2 });
  expect(explained.map(({ area }) => area)).toEqual([9, 7]);
  expect(await detector.explain(faulty, [])).toEqual([]);
});

test('in a letterbox places are those of the image, not of its border', async () => {
  const { samples } = tinySource();
  const wide = (image: PixelBuffer): PixelBuffer => ({
    ...image,
    data: image.data.slice(0, 40 * 20 * 3),
    height: 20,
  });
  const source = sourceOf(
    'wide',
    samples.slice(0, 8).map((sample) => ({ ...sample, load: async () => wide(await sample.load()) })),
  );
  const own = await trainDetector({
    source,
    teacher,
    method: 'patchcore',
    options: { coreset: { count: 60 } },
    input: { size: [32, 32], fit: 'letterbox' },
    calibration: { holdOutFraction: 0.3 },
  });
  for (const { nearest } of await own.explain(wide(faulty), [regionAt(0, 0), regionAt(39, 19)])) {
    const { left, top, width, height } = nearest.area;
    expect([left >= 0, top >= 0, left + width <= 40, top + height <= 20]).toEqual([true, true, true, true]);
  }
  own.dispose();
});

test('a method without patches is refused by name', async () => {
  const ofStudents = fixtureTeacher();
  const students = await loadDetector(fixtureBytes(2), { teacher: ofStudents });
  const subspace = await instantDetector(teacher, { method: 'fre' });
  for (const [other, image] of [
    [students, fixtureImage(0, true)],
    [subspace, faulty],
  ] as const) {
    await expect(other.explain(image, [regionAt(3, 3)])).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`method ${other.description.method} keeps no patches`) as string,
      hint: expect.stringContaining('instant and patchcore') as string,
    });
    expect(other.description.trainingImages).toBeUndefined();
    other.dispose();
  }
  ofStudents.dispose();
});

test('a disposed detector', async () => {
  const other = await loadDetector(detector.save({ embedTeacher: false }), { teacher });
  other.dispose();
  const tensors = tf.memory().numTensors;
  await expect(other.explain(faulty, regions)).rejects.toMatchObject({ code: 'disposed' });
  expect(tf.memory().numTensors).toBe(tensors);
});
