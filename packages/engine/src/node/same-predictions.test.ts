import { loadDetector, readArtifact } from '@dskd/detector';
import * as tf from '@tensorflow/tfjs-core';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import { all, expectAlike, using, writeFiles, type Files } from './files.test.util.js';

let files: Files;
beforeAll(async () => {
  files = await writeFiles();
}, 60_000);
afterAll(() => files.remove());

test.each([0, 1, 2])('tfjs in %d workers: the predictions of the detector, to the bit', async (workers) => {
  const before = tf.memory().numTensors;
  await using(files.file, { engine: 'tfjs', workers }, async (engine) => {
    const { description, ...facts } = engine.info;
    expect(facts).toEqual({
      engine: 'tfjs',
      workers,
      threads: 1,
      backend: 'wasm',
      reason: 'it was asked for',
    });
    expect(description).toEqual(readArtifact(files.bytes).description);
    expect(await all(engine, TEST_IMAGES)).toEqual(files.wanted);
  });
  expect(tf.memory().numTensors).toBe(before);
});

test.each([0, 1, 2])(
  'onnx in %d workers: the same predictions within 1e-4, also with masks',
  async (workers) => {
    const before = tf.memory().numTensors;
    await using(files.bytes, { engine: 'onnx', workers }, async (engine) => {
      expect(engine.info).toMatchObject({ engine: 'onnx', workers, backend: null });
      expectAlike(await all(engine, TEST_IMAGES), files.wanted);
      const ignored = new Uint8Array(50 * 74).fill(1, 74 * 30);
      const detector = await loadDetector(files.bytes);
      const masked = await detector.predict(TEST_IMAGES[1]!, { ignored });
      detector.dispose();
      expectAlike([await engine.predict(TEST_IMAGES[1]!, { ignored })], [masked]);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getBackend()).toBe('wasm');
  },
);
