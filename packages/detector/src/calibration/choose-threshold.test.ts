import * as tf from '@tensorflow/tfjs';
import type { ImageSource, Sample } from '@dskd/data';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { chooseThreshold } from './choose-threshold.js';
import { costThreshold, f1Threshold } from './labeled-thresholds.js';
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

function sourceOf(
  first: number,
  count: number,
  label: Sample['label'],
  isBad = label === 'anomalous',
): ImageSource {
  return {
    name: 'examples',
    fingerprint: () => Promise.resolve('f'.repeat(64)),
    samples: Array.from({ length: count }, (_, index) => ({
      id: `${label}/${first + index}.png`,
      split: 'train',
      label,
      defectType: label,
      load: () => Promise.resolve(fixtureImage(first + index, isBad)),
    })),
  };
}

async function scoresOf({ samples }: ImageSource): Promise<number[]> {
  const predictions = await detector.predict(await Promise.all(samples.map((sample) => sample.load())));
  return predictions.map(({ score }) => score);
}

test('the threshold has the highest F1 on what calibrated and the given images; scores stay as they were', async () => {
  const bad = sourceOf(700, 3, 'anomalous');
  await recalibrate(detector, sourceOf(300, 6, 'good'));
  const { calibration } = detector.description;
  const scores = [...calibration.scores, ...(await scoresOf(bad))];
  const labels = scores.map((_, i) => (i < 6 ? 0 : 1));
  const wanted = f1Threshold(scores, labels);
  const result = await expectNoNewTensors(() => chooseThreshold(detector, bad));
  expect(result).toEqual({
    threshold: wanted.threshold,
    falseAlarms: wanted.falseAlarms,
    normals: 6,
    misses: wanted.misses,
    anomalies: 3,
  });
  expect(detector.threshold).toBe(wanted.threshold);
  expect(detector.description.calibration).toEqual(calibration);
  expect(await scoresOf(bad)).toEqual(scores.slice(6));
  const saved = detector.save({ embedTeacher: false });
  const again = await loadDetector(saved, { teacher });
  expect(again.description.threshold).toEqual({
    value: wanted.threshold,
    falseAlarmRate: null,
    guaranteed: false,
    chosenBy: 'f1-max',
  });
  again.dispose();
  // A threshold set by hand afterwards is one.
  detector.threshold = 1;
  expect(detector.description.threshold.chosenBy).toBeUndefined();
});

test('with costs it is the cheapest; a plain folder of bad parts need not say that they are', async () => {
  // As good as good ones: dear misses flag everything, dear false alarms nothing.
  const bad = sourceOf(700, 4, 'good', false);
  const scores = [...detector.description.calibration.scores, ...(await scoresOf(bad))];
  const normals = scores.length - 4;
  const labels = scores.map((_, i) => (i < normals ? 0 : 1));
  const dear = { missCost: 1000, falseAlarmCost: 1 };
  const flagging = await chooseThreshold(detector, bad, { costs: dear });
  expect(flagging.threshold).toBe(costThreshold(scores, labels, dear).threshold);
  expect(flagging).toMatchObject({ misses: 0, normals, anomalies: 4 });
  expect(detector.description.threshold.chosenBy).toBe('cost');
  const costs = { missCost: 1, falseAlarmCost: 1000, prevalence: 1e-6 };
  expect(costThreshold(scores, labels, costs).threshold).toBe(Infinity);
  const quiet = await chooseThreshold(detector, bad, { costs });
  expect(quiet).toMatchObject({ threshold: Math.max(...scores), falseAlarms: 0, misses: 4 });
});

test('of a labeled source the anomalous images count alone', async () => {
  const [good, bad] = [sourceOf(300, 2, 'good'), sourceOf(700, 2, 'anomalous')];
  const both = { ...bad, samples: [...good.samples, ...bad.samples] };
  expect(await chooseThreshold(detector, both)).toMatchObject({ anomalies: 2 });
});

test('what goes wrong changes nothing', async () => {
  const before = detector.description;
  const tensors = tf.memory().numTensors;
  const bad = sourceOf(700, 3, 'anomalous');
  const unread = {
    ...bad,
    samples: bad.samples.map((sample) => ({
      ...sample,
      load: () => Promise.reject(new Error('It was read.')),
    })),
  };
  await expect(
    chooseThreshold(detector, unread, { costs: { missCost: 0, falseAlarmCost: 1 } }),
  ).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(chooseThreshold(detector, unread)).rejects.toThrow();
  await expect(chooseThreshold(detector, { ...bad, samples: [] })).rejects.toMatchObject({
    code: 'dataset-invalid',
  });
  await expect(chooseThreshold(detector, bad, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(detector.description).toBe(before);
  expect(tf.memory().numTensors).toBe(tensors);
});
