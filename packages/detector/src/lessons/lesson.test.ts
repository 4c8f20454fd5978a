import * as tf from '@tensorflow/tfjs';
import type { DskdEvent, PixelBuffer } from '@dskd/base';
import { sourceOf, type ImageSource, type Sample } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { quantileThreshold } from '@dskd/scoring';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { readArtifact, writeArtifact } from '../artifact/artifact.js';
import { loadDetector } from '../artifact/load-detector.js';
import { fixtureBytes, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { recalibrate } from '../calibration/recalibrate.js';
import type { Detector } from '../inference/detector.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { instantDetector } from './instant.test.util.js';

let teacher: Teacher;
let file: Uint8Array;
let detector: Detector;
/** Images with a dark corner, which the detector flags: say that they are good after all. */
let corners: PixelBuffer[];
let lesson: ImageSource;

const sample = (id: string, image: PixelBuffer, split: Sample['split'] = 'train'): Sample => ({
  id,
  split,
  label: 'good',
  defectType: 'good',
  load: () => Promise.resolve(image),
});

const scoresOf = async (images: PixelBuffer[]): Promise<number[]> =>
  (await detector.predict(images)).map(({ score }) => score);

beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  const trained = await instantDetector(teacher);
  file = trained.save({ embedTeacher: false });
  trained.dispose();
  const faulty = tinySource().samples.filter(({ label }) => label === 'anomalous');
  corners = await Promise.all(faulty.map((each) => each.load()));
  lesson = sourceOf(
    'corners',
    corners.map((image, index) => sample(`${index}.png`, image)),
  );
});
afterAll(() => teacher.dispose());
beforeEach(async () => {
  detector = await loadDetector(file, { teacher });
});
afterEach(() => detector.dispose());

test('images that raised alarms are learned: they score lower, no other image scores higher', async () => {
  const good = await Promise.all(
    tinySource()
      .samples.slice(0, 8)
      .map((each) => each.load()),
  );
  const before = { good: await scoresOf(good), corners: await scoresOf(corners) };
  const outcome = await expectNoNewTensors(() => detector.extend(lesson));
  const after = { good: await scoresOf(good), corners: await scoresOf(corners) };
  after.corners.forEach((score, index) => expect(score).toBeLessThan(before.corners[index]!));
  after.good.forEach((score, index) => expect(score).toBeLessThanOrEqual(before.good[index]! + 1e-4));
  expect(outcome).toMatchObject({ images: 3, alarms: { before: 3, after: 0 }, calibrating: 3 });
});

test('each half is scored by what learned the other; the scores join the earlier ones and set the threshold', async () => {
  const { calibration, branches, threshold } = detector.description;
  const wanted: number[] = [];
  await detector.extend([corners[2]!]);
  wanted.push(...(await scoresOf(corners.slice(0, 2))));
  detector.forget();
  await detector.extend(corners.slice(0, 2));
  wanted.push(...(await scoresOf(corners.slice(2))));
  detector.forget();

  const outcome = await detector.extend(lesson);
  const { description } = detector;
  expect(description.calibration).toEqual({
    images: calibration.images,
    scores: [...calibration.scores, ...wanted],
    ofLessons: 3,
  });
  const chosen = quantileThreshold(description.calibration.scores, 0.3);
  expect(description.threshold).toEqual({
    value: chosen.threshold,
    falseAlarmRate: 0.3,
    guaranteed: chosen.guaranteed,
  });
  expect(outcome.threshold).toEqual({ before: threshold.value, after: chosen.threshold });
  description.branches.forEach(({ name, normalization, calibrationScores }, index) => {
    expect(normalization).toEqual(branches[index]!.normalization);
    expect(calibrationScores).toHaveLength(branches[index]!.calibrationScores.length + 3);
    expect(name).toBe(branches[index]!.name);
  });
});

test('the file says what was learned; forgetting brings the earlier file back byte for byte, also after a reload', async () => {
  await detector.extend(lesson);
  const once = detector.save({ embedTeacher: false });
  await detector.extend([corners[0]!]);
  detector.threshold = 5;
  const twice = detector.save({ embedTeacher: false });
  const loaded = await loadDetector(twice, { teacher });
  expect(loaded.description).toEqual(detector.description);
  expect(loaded.description.lessons).toMatchObject([
    { images: ['0.png', '1.png', '2.png'].map((id) => ({ id, width: 40, height: 40 })) },
    { images: [{ id: 'image 0', width: 40, height: 40 }] },
  ]);
  expect(loaded.description.lessons![0]!.dataFingerprint).toBe(await lesson.fingerprint());
  expect(await loaded.predict(corners[1]!)).toEqual(await detector.predict(corners[1]!));
  expect(loaded.forget()).toMatchObject({ images: [{ id: 'image 0' }] });
  expect(Buffer.compare(loaded.save({ embedTeacher: false }), once)).toBe(0);
  loaded.forget();
  expect(Buffer.compare(loaded.save({ embedTeacher: false }), file)).toBe(0);
  loaded.dispose();
});

test('of paths and addresses the name is kept: the file says nothing of the machine', async () => {
  const ids = ['/home/me/a.png', 'C:\\parts\\b.png', 'file:///data/c.png', 'lot/d.png'];
  await detector.extend(
    sourceOf(
      'paths',
      ids.map((id) => sample(id, corners[0]!)),
    ),
  );
  const { images } = detector.description.lessons![0]!;
  expect(images.map(({ id }) => id)).toEqual(['a.png', 'b.png', 'c.png', 'lot/d.png']);
});

test('one image has no other half: it is learned, scores and threshold stay', async () => {
  const { calibration, threshold, branches } = detector.description;
  const outcome = await detector.extend([corners[0]!]);
  expect(outcome).toMatchObject({ images: 1, alarms: { before: 1, after: 0 }, calibrating: 0 });
  expect(detector.description).toMatchObject({ calibration, threshold, branches });
});

test.each([
  ['a path', 'good-parts/', 'Got the string "good-parts/" as images of extend'],
  ['encoded bytes', Buffer.from('png'), 'Got a Buffer of 3 elements as images of extend'],
  ['nothing', undefined, 'Got undefined as images of extend'],
  ['paths', ['a.png'], 'Got the string "a.png" as an image'],
])('%s in place of images is no lesson', async (_, images, message) => {
  await expect(detector.extend(images as never)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining(message) as string,
  });
});

test('a threshold that was set by hand stays; one with a confidence keeps it', async () => {
  detector.threshold = 7;
  await detector.extend(lesson);
  expect(detector.description.threshold).toEqual({ value: 7, falseAlarmRate: null, guaranteed: false });
  expect(detector.description.calibration.scores.length).toBeGreaterThan(3);
  detector.forget();
  const normals = sourceOf('normals', tinySource().samples.slice(0, 8));
  await recalibrate(detector, normals, { falseAlarmRate: 0.3, confidence: 0.9 });
  await detector.extend(lesson);
  const { threshold, calibration } = detector.description;
  const wanted = quantileThreshold(calibration.scores, 0.3, { confidence: 0.9 });
  // There are enough, but six of them were trained on.
  expect(wanted.guaranteed).toBe(true);
  expect(calibration.alsoLearned).toBe(6);
  expect(threshold).toEqual({
    value: wanted.threshold,
    falseAlarmRate: 0.3,
    confidence: 0.9,
    guaranteed: false,
  });
});

test('test images and anomalous ones are no lesson; progress is told', async () => {
  const events: DskdEvent[] = [];
  const source = sourceOf('mixed', [
    sample('a.png', corners[0]!),
    sample('b.png', corners[1]!, 'validation'),
    sample('c.png', corners[2]!, 'test'),
    { ...sample('d.png', corners[2]!), label: 'anomalous' },
  ]);
  await detector.extend(source, { onEvent: (event) => events.push(event) });
  expect(detector.description.lessons![0]!.images.map(({ id }) => id)).toEqual(['a.png', 'b.png']);
  expect(events.at(-1)).toEqual({ type: 'fit-progress', stage: 'lesson', done: 100, total: 100 });
});

describe('what cannot be done changes nothing', () => {
  afterEach(() => expect(Buffer.compare(detector.save({ embedTeacher: false }), file)).toBe(0));

  test('no good images', async () => {
    const source = sourceOf('tests', [sample('a.png', corners[0]!, 'test')]);
    await expect(detector.extend(source)).rejects.toMatchObject({
      code: 'dataset-invalid',
      message: 'tests has no good images outside its test split to learn.',
    });
    await expect(detector.extend([])).rejects.toMatchObject({ code: 'dataset-invalid' });
  });

  test('an image that cannot be read, in the first half or the last', async () => {
    // A bank makes the tensors of its search at the first one, also the bank that comes back.
    await detector.predict(corners[0]!);
    for (const broken of [0, 3]) {
      const samples = [...corners, corners[0]!].map((image, index) => ({
        ...sample(`${index}.png`, image),
        load: () => (index === broken ? Promise.reject(new Error('unreadable')) : Promise.resolve(image)),
      }));
      const source = { name: 'broken', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
      const tensors = tf.memory().numTensors;
      await expect(detector.extend(source, { batchSize: 1 })).rejects.toThrow('unreadable');
      await detector.predict(corners[0]!);
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });

  test('an aborted lesson, wherever it is', async () => {
    for (const percent of [1, 30, 80, 100]) {
      const controller = new AbortController();
      const onEvent = (event: DskdEvent): void => {
        if (event.type === 'fit-progress' && event.done >= percent) controller.abort();
      };
      const work = detector.extend(lesson, { onEvent, signal: controller.signal, batchSize: 1 });
      if (percent < 100) await expect(work).rejects.toMatchObject({ code: 'aborted' });
      else {
        await work;
        detector.forget();
      }
    }
  });

  test('a lesson that is not there', () => {
    expect(() => detector.forget()).toThrow('Got no lesson to forget');
  });
});

test('methods that cannot are refused by name, with what to do', async () => {
  const ofStudents = fixtureTeacher();
  const students = await loadDetector(fixtureBytes(2), { teacher: ofStudents });
  const positions = await instantDetector(teacher, { method: 'padim' });
  for (const [other, name] of [
    [students, 'dskd'],
    [positions, 'padim'],
  ] as const) {
    await expect(other.extend(lesson)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`method ${name} cannot learn further images`) as string,
      hint: expect.stringContaining('instant, patchcore, fre, gaussian') as string,
    });
    other.dispose();
  }
  ofStudents.dispose();
});

test.each([
  [0, [{ rows: 60, images: 1 }]],
  [1, [2]],
])('a file whose lessons leave nothing of the fit is refused: part %d', async (part, lessons) => {
  const { description, tensors } = readArtifact(file);
  const { parts } = structuredClone(description.config) as unknown as { parts: { config: object }[] };
  parts[part]!.config = { ...parts[part]!.config, lessons };
  const config = { parts } as unknown as typeof description.config;
  const bytes = writeArtifact({ description: { ...description, config }, tensors });
  await expect(loadDetector(bytes, { teacher })).rejects.toMatchObject({ code: 'artifact-invalid' });
});

test('a disposed detector neither learns nor forgets', async () => {
  detector.dispose();
  await expect(detector.extend(lesson)).rejects.toMatchObject({ code: 'disposed' });
  expect(() => detector.forget()).toThrow('disposed');
});
