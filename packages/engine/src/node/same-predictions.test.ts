import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { loadDetector, readArtifact } from '@dskd/detector';
import { exportDetectorFile } from '@dskd/onnx/node';
import * as tf from '@tensorflow/tfjs-core';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import { all, expectAlike, using, writeFiles, type Files } from './files.test.util.js';
import { openEngine, type EngineOptions } from './open-engine.js';

let files: Files;
beforeAll(async () => {
  files = await writeFiles();
}, 60_000);
afterAll(() => files.remove());

test.each([
  [0, 1],
  [0, 3],
  [1, 2],
  [2, 1],
])(
  'tfjs in %d workers of %d threads: the predictions of the detector, to the bit',
  async (workers, threads) => {
    const before = tf.memory().numTensors;
    await using(files.file, { engine: 'tfjs', workers, threads }, async (engine) => {
      const { description, ...facts } = engine.info;
      expect(facts).toEqual({
        engine: 'tfjs',
        workers,
        threads,
        backend: 'wasm',
        reason: 'it was asked for',
      });
      expect(description).toEqual(readArtifact(files.bytes).description);
      expect(await all(engine, TEST_IMAGES)).toEqual(files.wanted);
    });
    expect(tf.memory().numTensors).toBe(before);
  },
);

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

test('an ONNX file whose values lie beside it: by its path, or by bytes and the path they are of', async () => {
  const detector = await loadDetector(files.bytes);
  const outside = path.join(files.folder, 'outside.onnx');
  await exportDetectorFile(detector, outside, { externalData: 'always' });
  detector.dispose();
  const read = new Uint8Array(await readFile(outside));
  const cases: [string | Uint8Array, EngineOptions][] = [
    [outside, { workers: 0 }],
    [read, { workers: 1, threads: 1, path: outside }],
  ];
  for (const [model, options] of cases) {
    await using(model, options, async (engine) => {
      expect(engine.info).toMatchObject({ engine: 'onnx', description: { method: 'instant' } });
      const { score } = await engine.predict(TEST_IMAGES[1]!);
      expect(score / files.wanted[1]!.score).toBeCloseTo(1, 4);
    });
  }
  await expect(openEngine(read, { workers: 0 })).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('outside.onnx.data beside it') as string,
  });
  await rm(`${outside}.data`);
  for (const workers of [0, 1]) {
    await expect(openEngine(outside, { workers })).rejects.toMatchObject({ code: 'file-not-found' });
  }
});
