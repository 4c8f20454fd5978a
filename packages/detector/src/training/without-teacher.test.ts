import * as tf from '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { loadDetector } from '../artifact/load-detector.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { estimateTraining } from './estimate-training.js';
import { trainDetector } from './train-detector.js';
import type { TrainDetectorOptions } from './training-options.js';

// A method that needs no teacher: all that a detector does works without one.

beforeAll(() => useBackend('wasm'));

function options(changes: Partial<TrainDetectorOptions> = {}): TrainDetectorOptions {
  return {
    source: tinySource(),
    method: 'vm',
    options: { align: 'translation' },
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.3 },
    ...changes,
  };
}

async function imageOf(index: number): Promise<PixelBuffer> {
  const test = tinySource().samples.filter(({ split }) => split === 'test');
  return test[index]!.load();
}

test('trains, saves, loads, scores, evaluates and calibrates without a teacher, and leaves no tensors', () =>
  expectNoNewTensors(async () => {
    const detector = await trainDetector(options());
    expect(detector.teacher).toBeUndefined();
    expect(detector.description).toMatchObject({ method: 'vm', teacher: null, storage: 'float16' });
    const loaded = await loadDetector(detector.save());
    const good = await detector.predict(await imageOf(0));
    const bad = await detector.predict(await imageOf(4));
    expect(await loaded.predict(await imageOf(4))).toEqual(bad);
    expect(loaded.description).toEqual(detector.description);
    expect([...loaded.save()]).toEqual([...detector.save()]);
    expect(bad.score).toBeGreaterThan(3 * good.score);
    const { fused } = await evaluateDetector(loaded, tinySource());
    expect(fused.imageAuroc).toBe(1);
    expect(fused.pixelAuroc).toBeGreaterThan(0.95);
    const { threshold } = await recalibrate(loaded, tinySource());
    expect(loaded.threshold).toBe(threshold);
    detector.dispose();
    loaded.dispose();
  }));

test('the same training gives the same bytes; a teacher that is given is not looked at', async () => {
  const bytes = [];
  const teacher = tinyTeacher();
  for (const changes of [{}, {}, { teacher }]) {
    const detector = await trainDetector(options(changes));
    bytes.push([...detector.save()]);
    detector.dispose();
  }
  teacher.dispose();
  expect(bytes[1]).toEqual(bytes[0]);
  expect(bytes[2]).toEqual(bytes[0]);
});

test('the estimate needs none either, and computes nothing', async () => {
  const before = tf.memory().numTensors;
  const cost = await estimateTraining(options(), { measuredSteps: 0 });
  expect(cost).toMatchObject({ images: 6, steps: 0, secondsPerStep: null, alternatives: [] });
  expect(cost.memory.exceeded).toEqual([]);
  expect(tf.memory().numTensors).toBe(before);
});

test('it cannot learn further images, and says so', async () => {
  const detector = await trainDetector(options());
  const before = detector.save();
  await expect(detector.extend([await imageOf(0)])).rejects.toMatchObject({ code: 'invalid-argument' });
  expect(() => detector.forget()).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
  expect(detector.save()).toEqual(before);
  detector.dispose();
});

test('it cannot be calibrated on its own images, and cannot run on tiles', async () => {
  await expect(trainDetector(options({ calibration: { onTrainingImages: true } }))).rejects.toMatchObject({
    code: 'invalid-config',
  });
  await expect(
    trainDetector(options({ input: { size: [64, 64], tiles: { size: 32, overlap: 0 } } })),
  ).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining('vm') as string });
});
