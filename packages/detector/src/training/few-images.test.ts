import { sourceOf } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Detector } from '../inference/detector.js';
import { loadDetector } from '../artifact/load-detector.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import type { InputOptions, TrainDetectorOptions } from './training-options.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

const augmentation = { flips: { horizontal: true, vertical: true }, rotation: { degrees: 5 } };

/** A bank of few rows on the first `count` good images of the tiny source, and its test images. */
function few(count: number, input: InputOptions, changes: object = {}): TrainDetectorOptions {
  const { samples } = tinySource();
  return {
    source: sourceOf(
      'few',
      samples.filter(({ split }, index) => split === 'test' || index < count),
    ),
    teacher,
    method: 'patchcore',
    options: { coreset: { count: 60 } },
    input: { size: [32, 32], ...input },
    ...changes,
  };
}

const bytesOf = (detector: Detector): Uint8Array => {
  const bytes = detector.save({ embedTeacher: false });
  detector.dispose();
  return bytes;
};

test('a branch without a map may calibrate on one image', async () => {
  const { samples } = tinySource();
  const source = sourceOf('four', samples.filter(({ split }) => split === 'train').slice(0, 4));
  const detector = await trainDetector({
    source,
    teacher,
    method: 'gaussian',
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.25 },
  });
  expect(detector.description.calibration.scores).toEqual([expect.any(Number)]);
  expect(detector.description.calibration.scores[0]).toBeCloseTo(0, 4);
  detector.dispose();
});

test('one image is enough where altered copies of it calibrate: saved, loaded, explained', async () => {
  const options = few(1, { augmentation, copies: 6 });
  const detector = await trainDetector(options);
  const { calibration, threshold, trainings, trainingImages } = detector.description;
  expect(calibration.images).toBe('altered');
  expect(calibration.scores).toHaveLength(8);
  expect(Math.min(...calibration.scores)).toBeGreaterThan(0);
  expect(threshold.guaranteed).toBe(false);
  // Eight scores are enough for this rate, but not of copies.
  const often = await trainDetector({ ...options, calibration: { falseAlarmRate: 0.3 } });
  expect(often.description.threshold).toMatchObject({ falseAlarmRate: 0.3, guaranteed: false });
  often.dispose();
  expect(trainings[0]).toMatchObject({ images: 1, augmentation, options: { copies: 6 } });
  expect(trainingImages!.map(({ id }) => id)).toEqual(Array<string>(7).fill('train/good/0.png'));

  const test = options.source.samples.filter(({ split }) => split === 'test');
  const images = await Promise.all(test.map((sample) => sample.load()));
  const predictions = await detector.predict(images);
  const scores = predictions.map(({ score }) => score);
  expect(Math.min(...scores.slice(3))).toBeGreaterThan(Math.max(...scores.slice(0, 3)));
  const [explained] = await detector.explain(images[3]!, predictions[3]!.regions);
  expect(explained!.nearest.id).toBe('train/good/0.png');
  const loaded = await loadDetector(detector.save(), { teacher });
  expect((await loaded.predict(images)).map(({ score }) => score)).toEqual(scores);
  for (const each of [detector, loaded]) each.dispose();
});

test('copies are learned beside the images, by the seed', async () => {
  const plain = await trainDetector(few(4, {}));
  const copied = await trainDetector(few(4, { augmentation, copies: 2 }));
  const four = await trainDetector(few(4, { augmentation }));
  const patches = ({ description }: Detector): unknown =>
    (description.trainings[0]!.fit as { local: { patches: number } }).local.patches;
  expect([plain, copied, four].map(patches)).toEqual([3, 9, 15].map((images) => images * 16));
  four.dispose();
  plain.dispose();
  const bytes = bytesOf(copied);
  const again = await expectNoNewTensors(async () =>
    bytesOf(await trainDetector(few(4, { augmentation, copies: 2 }))),
  );
  expect(Buffer.compare(again, bytes)).toBe(0);
  const other = bytesOf(await trainDetector(few(4, { augmentation, copies: 2 }, { seed: 2 })));
  expect(Buffer.compare(other, bytes)).not.toBe(0);
});

test.each([
  [few.bind(null, 4, { augmentation, copies: 0 }), /0 altered copies.*from 1 to 64/],
  [few.bind(null, 4, { copies: 2 }), /but no augmentation/],
  [
    few.bind(null, 4, { augmentation, copies: 2 }, { method: 'dskd', options: {} }),
    /alters the images in each epoch/,
  ],
])('wrong numbers of copies are refused by name', async (options, message) => {
  await expect(trainDetector(options())).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringMatching(message) as string,
  });
});

test('one image without augmentation is refused, and the hint says what helps', async () => {
  await expect(trainDetector(few(1, {}))).rejects.toMatchObject({
    code: 'dataset-invalid',
    hint: expect.stringContaining('learns from one image too') as string,
  });
});
