import { loadDetector, type Detector } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { loadOnnxDetector } from '@dskd/onnx/runtime';
import { useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { engineOf } from './engine-of.js';
import { smallFile, TEST_IMAGES } from './small-detectors.test.util.js';

beforeAll(() => useBackend('wasm'));

const detectorOf = async (method: string): Promise<Detector> =>
  loadDetector(await smallFile({ method, input: { size: [50, 74] } }));

test('predicts what the detector predicts, in the order of the images, and disposes it', async () => {
  const before = tf.memory().numTensors;
  const detector = await detectorOf('fre');
  const wanted = await detector.predict(TEST_IMAGES, { minArea: 3 });
  const engine = engineOf(detector);
  expect(engine.info).toEqual({
    engine: 'tfjs',
    workers: 0,
    threads: null,
    backend: 'wasm',
    description: detector.description,
    reason: 'the predictor that was given',
  });
  const together = TEST_IMAGES.map((image) => engine.predict(image, { minArea: 3 }));
  expect(await Promise.all(together)).toEqual(wanted);
  const each = [];
  for await (const prediction of engine.predictEach(TEST_IMAGES, { minArea: 3 })) each.push(prediction);
  expect(each).toEqual(wanted);
  expect(await engine.predict(TEST_IMAGES[1]!, { threshold: 1e9 })).toMatchObject({ verdict: 'normal' });
  await expect(engine.predict('part.png' as never)).rejects.toMatchObject({ code: 'invalid-argument' });
  await engine.dispose();
  await expect(detector.predict(TEST_IMAGES[0]!)).rejects.toMatchObject({ code: 'disposed' });
  expect(tf.memory().numTensors).toBe(before);
});

test('swaps to an exported detector, and disposes the first one', async () => {
  const before = tf.memory().numTensors;
  const [detector, other] = [await detectorOf('fre'), await detectorOf('padim')];
  const [first, second] = [await detector.predict(TEST_IMAGES[1]!), await other.predict(TEST_IMAGES[1]!)];
  const onnx = await loadOnnxDetector(await exportDetector(other));
  other.dispose();
  const engine = engineOf(detector, { queue: 20 });
  const running = engine.predict(TEST_IMAGES[1]!);
  await engine.swap(onnx);
  expect(engine.info).toMatchObject({ engine: 'onnx', backend: null });
  expect((await running).score).toBe(first.score);
  expect((await engine.predict(TEST_IMAGES[1]!)).score / second.score).toBeCloseTo(1, 4);
  expect(tf.memory().numTensors).toBe(before);
  await engine.dispose();
  await expect(onnx.predict(TEST_IMAGES[0]!)).rejects.toMatchObject({ code: 'disposed' });
});
