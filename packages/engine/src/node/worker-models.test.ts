import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadDetector } from '@dskd/detector';
import { teacherTiny } from '@dskd/teacher-tiny';
import * as tf from '@tensorflow/tfjs-core';
import { smallFile, TEST_IMAGES } from '../small-detectors.test.util.js';
import { openEngine } from './open-engine.js';
import { all, expectAlike, using, writeFiles, type Files } from './files.test.util.js';

const input = { size: [50, 74] } as const;
let files: Files;
beforeAll(async () => {
  files = await writeFiles();
}, 60_000);
afterAll(() => files.remove());

test('with workers the export is in a thread of its own: this one goes on to compute with TensorFlow.js', async () => {
  const detector = await loadDetector(files.bytes);
  const state = { isOpen: false };
  const opening = openEngine(files.bytes, { engine: 'onnx', workers: 1, threads: 1 }).finally(
    () => (state.isOpen = true),
  );
  let rounds = 0;
  while (!state.isOpen) {
    expect(await detector.predict(TEST_IMAGES)).toEqual(files.wanted);
    rounds++;
  }
  expect(rounds).toBeGreaterThan(2);
  const engine = await opening;
  expectAlike(await all(engine, TEST_IMAGES), files.wanted);
  await engine.dispose();
  detector.dispose();
});

test('a detector without its teacher takes it from a file', async () => {
  const without = await smallFile({ method: 'instant', input }, { embedTeacher: false });
  await expect(openEngine(without, { workers: 0 })).rejects.toMatchObject({ code: 'teacher-mismatch' });
  const teacher = await teacherTiny().load();
  const weights = path.join(files.folder, 'teacher.safetensors');
  await writeFile(weights, teacher);
  const scores: number[] = [];
  for (const options of [
    { engine: 'tfjs', workers: 1, teacher },
    { engine: 'tfjs', workers: 0, teacher: weights },
    { engine: 'onnx', workers: 1, teacher },
  ] as const) {
    const before = tf.memory().numTensors;
    await using(without, options, async (engine) => {
      scores.push((await engine.predict(TEST_IMAGES[1]!)).score);
    });
    expect(tf.memory().numTensors).toBe(before);
  }
  expect(scores[1]).toBe(scores[0]);
  expect(scores[2]! / scores[0]!).toBeCloseTo(1, 4);
});

test('workers import what registers a method of your own', async () => {
  const module = new URL('./own-method.test.util.js', import.meta.url);
  await import(module.href);
  const own = await smallFile({ method: 'own', input });
  for (const workers of [0, 1]) {
    await using(own, { workers, imports: [module] }, async (engine) => {
      expect(engine.info).toMatchObject({ engine: 'tfjs', reason: expect.stringContaining('own') as string });
      expect((await engine.predict(TEST_IMAGES[1]!)).verdict).toBe('anomalous');
    });
  }
  await expect(openEngine(own, { engine: 'tfjs' })).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('own') as string,
  });
  const missing = new URL('./missing.js', import.meta.url);
  for (const workers of [0, 1]) {
    await expect(openEngine(own, { workers, imports: [missing] })).rejects.toMatchObject({
      code: 'plugin-failed',
      message: expect.stringContaining('missing.js') as string,
    });
  }
});
