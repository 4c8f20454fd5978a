import * as tf from '@tensorflow/tfjs';
import type { DskdEvent, PixelBuffer } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import { quantileThreshold } from '@dskd/scoring';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Detector } from '../inference/detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { loadDetector } from '../artifact/load-detector.js';
import { recalibrate } from './recalibrate.js';
import type { Teacher } from '@dskd/models';

let teacher: Teacher;
let detector: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
});
afterAll(() => teacher.dispose());
beforeEach(async () => {
  detector = await loadDetector(fixtureBytes(1), { teacher });
});
afterEach(() => detector.dispose());

/** Good images unless said otherwise, numbered from `first` on. */
function samples(
  split: Sample['split'],
  first: number,
  count: number,
  label: Sample['label'] = 'good',
): Sample[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${split}/${first + index}.png`,
    split,
    label,
    defectType: label,
    load: () => Promise.resolve(fixtureImage(first + index, label === 'anomalous')),
  }));
}

function sourceWith(list: Sample[], fingerprint = 'f'.repeat(64)): ImageSource {
  return { name: 'normals', samples: list, fingerprint: () => Promise.resolve(fingerprint) };
}

const images = (first: number, count: number): PixelBuffer[] =>
  Array.from({ length: count }, (_, index) => fixtureImage(first + index, false));

const scoresOf = async (list: PixelBuffer[]): Promise<number[]> =>
  (await detector.predict(list)).map(({ score }) => score);

test('the threshold is the quantile of the scores of the given images; scores stay as they were', async () => {
  const before = await scoresOf(images(0, 3));
  const wanted = await scoresOf(images(300, 25));
  const result = await expectNoNewTensors(() =>
    recalibrate(detector, sourceWith(samples('train', 300, 25)), { falseAlarmRate: 0.1 }),
  );
  expect(result).toEqual(quantileThreshold(wanted, 0.1));
  expect(result).toMatchObject({ guaranteed: true, falseAlarmRate: 0.1 });
  expect(detector.threshold).toBe(result.threshold);
  expect(detector.description.calibration).toEqual({ images: 'given', scores: wanted });
  expect(detector.description.threshold).toEqual({
    value: result.threshold,
    falseAlarmRate: 0.1,
    guaranteed: true,
  });
  expect(await scoresOf(images(0, 3))).toEqual(before);
});

test('a confidence takes a higher score as threshold, or says that there are too few', async () => {
  const wanted = await scoresOf(images(300, 25));
  const source = sourceWith(samples('train', 300, 25));
  const options = { falseAlarmRate: 0.2, confidence: 0.9 };
  const result = await recalibrate(detector, source, options);
  expect(result).toEqual(quantileThreshold(wanted, 0.2, { confidence: 0.9 }));
  expect(result.threshold).toBeGreaterThan(quantileThreshold(wanted, 0.2).threshold);
  expect(result.confidence).toBeGreaterThanOrEqual(0.9);
  await recalibrate(detector, source, { ...options, confidence: 0.999 });
  expect(detector.description.threshold).toMatchObject({ value: Math.max(...wanted), guaranteed: false });
  await expect(recalibrate(detector, source, { confidence: 1 })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

test('p-values compare with the given images, fused and by branch', async () => {
  await recalibrate(detector, sourceWith(samples('train', 300, 9)));
  const prediction = await detector.predict(fixtureImage(301, false));
  const { calibration, branches } = detector.description;
  const pValue = (score: number, scores: readonly number[]): number =>
    (1 + scores.filter((each) => each >= score).length) / 10;
  expect(prediction.pValue).toBe(pValue(prediction.score, calibration.scores));
  for (const { name, calibrationScores } of branches) {
    const branch = prediction.branches[name]!;
    expect(branch.pValue).toBe(pValue(branch.score, calibrationScores));
  }
});

test('statistics: mean and deviation are those of the given images, and scores follow', async () => {
  const { branches: old } = detector.description;
  await recalibrate(detector, sourceWith(samples('train', 300, 6)), { statistics: true });
  const { branches, calibration } = detector.description;
  branches.forEach(({ normalization: { offset, scale } }, index) => {
    expect(offset).not.toBe(old[index]!.normalization.offset);
    expect(scale).not.toBe(old[index]!.normalization.scale);
  });
  expect(await scoresOf(images(300, 6))).toEqual(calibration.scores);
});

test('it is kept when saved', async () => {
  const { threshold } = await recalibrate(detector, sourceWith(samples('train', 300, 4)));
  const again = await loadDetector(detector.save({ embedTeacher: false }), { teacher });
  expect(again.description).toEqual(detector.description);
  expect(again.threshold).toBe(threshold);
  again.dispose();
});

test('validation images come before training images; test images and anomalous ones never count', async () => {
  const source = sourceWith([
    ...samples('train', 300, 3),
    ...samples('validation', 400, 4),
    ...samples('validation', 500, 2, 'anomalous'),
    ...samples('test', 600, 5),
  ]);
  const wanted = await scoresOf(images(400, 4));
  await recalibrate(detector, source);
  expect(detector.description.calibration.scores).toEqual(wanted);
});

test('of a file that lists no images, the data of its training are warned of', async () => {
  const events: DskdEvent[] = [];
  const onEvent = (event: DskdEvent): void => void events.push(event);
  const trained = sourceWith(samples('train', 0, 4), '2'.repeat(64));
  await recalibrate(detector, trained, { onEvent });
  expect(events.at(0)).toEqual({ type: 'calibration-start', samples: 4 });
  expect(events.at(-1)).toEqual({
    type: 'warning',
    message: expect.stringMatching(
      /^All 4 good images of normals .* also images that the model learned/,
    ) as string,
  });
  expect(detector.description.calibration.alsoLearned).toBe(4);
  expect(detector.description.threshold.guaranteed).toBe(false);
  events.length = 0;
  await recalibrate(detector, sourceWith(samples('train', 0, 4)), { onEvent });
  expect(events.map(({ type }) => type)).toEqual([
    'calibration-start',
    ...Array<string>(4).fill('image-read'),
  ]);
});

describe('what goes wrong changes nothing', () => {
  let before: Detector['description'];
  beforeEach(() => (before = detector.description));
  afterEach(() => expect(detector.description).toBe(before));

  test('no good images', async () => {
    const source = sourceWith([...samples('test', 0, 3), ...samples('train', 3, 2, 'anomalous')]);
    await expect(recalibrate(detector, source)).rejects.toMatchObject({ code: 'dataset-invalid' });
  });

  test.each([0, 1, NaN, -0.1])(
    'a false-alarm rate of %d, before any image is read',
    async (falseAlarmRate) => {
      const unread: Sample[] = samples('train', 0, 1).map((sample) => ({
        ...sample,
        load: () => Promise.reject(new Error('It was read.')),
      }));
      await expect(recalibrate(detector, sourceWith(unread), { falseAlarmRate })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    },
  );

  test('an aborted call', async () => {
    const before = tf.memory().numTensors;
    await expect(
      recalibrate(detector, sourceWith(samples('train', 0, 4)), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'aborted' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('a disposed detector', async () => {
  detector.dispose();
  await expect(recalibrate(detector, sourceWith(samples('train', 0, 4)))).rejects.toMatchObject({
    code: 'disposed',
  });
});
