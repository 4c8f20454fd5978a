import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import type { DskdEvent } from '@dskd/base';
import { encodeImage } from '@dskd/data/node';
import { Detector, loadDetector, readArtifact, type Prediction } from '@dskd/detector';
import { exportDetector } from '@dskd/onnx';
import { exportDetectorFile } from '@dskd/onnx/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../engine.js';
import { smallFile, TEST_IMAGES } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { openEngine, openEngineWith, type EngineOptions } from './open-engine.js';

const input = { size: [50, 74] } as const;
let folder: string;
let file: string;
let bytes: Uint8Array;
let pictures: string;
let wanted: Prediction[];
let notExportable: Uint8Array;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  folder = await mkdtemp(path.join(tmpdir(), 'dskd engine ü-'));
  // The mask is the detector's own: predictions share it, so that it must not be moved away with one of them.
  const ignored = new Uint8Array(50 * 74).fill(1, 0, 74 * 4);
  bytes = await smallFile({ method: 'instant', input: { ...input, ignored } });
  file = path.join(folder, 'part.safetensors');
  await writeFile(file, bytes);
  notExportable = await smallFile({ method: 'vm', input });
  const detector = await loadDetector(bytes);
  wanted = await detector.predict(TEST_IMAGES);
  await writeFile(path.join(folder, 'part.onnx'), await exportDetector(detector));
  detector.dispose();
  pictures = path.join(folder, 'pictures');
  for (const [index, image] of TEST_IMAGES.entries())
    await writeFile(`${pictures}-${index}.png`, await encodeImage(image));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type FileEngine = Engine<EngineImage, string | Uint8Array>;

async function using<T>(
  model: string | Uint8Array,
  options: EngineOptions,
  work: (engine: FileEngine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(model, options);
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}

async function all(engine: FileEngine, images: readonly EngineImage[]): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for await (const prediction of engine.predictEach(images)) predictions.push(prediction);
  return predictions;
}

/** Within 1e-4 of the largest value. */
function expectAlike(got: readonly Prediction[], others: readonly Prediction[]): void {
  const largest = Math.max(...others.flatMap(({ map }) => [...map.data]));
  const near = (value: number, other: number): boolean => Math.abs(value - other) < 1e-4 * largest;
  for (const [index, { score, map, branches, ...rest }] of got.entries()) {
    const other = others[index]!;
    expect(near(score, other.score)).toBe(true);
    expect(map.data.every((value, at) => near(value, other.map.data[at]!))).toBe(true);
    expect(Object.keys(branches)).toEqual(Object.keys(other.branches));
    expect([rest.verdict, rest.ignored, rest.content]).toEqual([other.verdict, other.ignored, other.content]);
    expect(rest.regions.map(({ box }) => box)).toEqual(other.regions.map(({ box }) => box));
  }
}

test.each([0, 1, 2])('tfjs in %d workers: the predictions of the detector, to the bit', async (workers) => {
  const before = tf.memory().numTensors;
  await using(file, { engine: 'tfjs', workers }, async (engine) => {
    const { description, ...facts } = engine.info;
    expect(facts).toEqual({
      engine: 'tfjs',
      workers,
      threads: 1,
      backend: 'wasm',
      reason: 'it was asked for',
    });
    expect(description).toEqual(readArtifact(bytes).description);
    expect(await all(engine, TEST_IMAGES)).toEqual(wanted);
  });
  expect(tf.memory().numTensors).toBe(before);
});

test.each([0, 1, 2])(
  'onnx in %d workers: the same predictions within 1e-4, also with masks',
  async (workers) => {
    const before = tf.memory().numTensors;
    await using(bytes, { engine: 'onnx', workers }, async (engine) => {
      expect(engine.info).toMatchObject({ engine: 'onnx', workers, backend: null });
      expectAlike(await all(engine, TEST_IMAGES), wanted);
      const ignored = new Uint8Array(50 * 74).fill(1, 74 * 30);
      const detector = await loadDetector(bytes);
      const masked = await detector.predict(TEST_IMAGES[1]!, { ignored });
      detector.dispose();
      expectAlike([await engine.predict(TEST_IMAGES[1]!, { ignored })], [masked]);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getBackend()).toBe('wasm');
  },
);

test("an image is a path, the bytes of a file, or pixels of any kind, which stay the caller's", async () => {
  await using(notExportable, { engine: 'tfjs', workers: 1 }, async (engine) => {
    const image = TEST_IMAGES[3]!;
    const { score } = await engine.predict(image);
    expect(await engine.predict(`${pictures}-3.png`)).toMatchObject({ score });
    const encoded = await encodeImage(image);
    expect(await engine.predict(encoded)).toMatchObject({ score });
    expect(await engine.predict(Buffer.from(encoded))).toMatchObject({ score });
    const rgba = new Uint8ClampedArray(60 * 90 * 4).map((_, at) =>
      at % 4 === 3 ? 255 : image.data[Math.floor(at / 4) * 3 + (at % 4)]!,
    );
    expect(await engine.predict({ data: rgba, width: 90, height: 60 })).toMatchObject({ score });
    // A part of a larger buffer, as a camera has it.
    const frames = new Uint8Array(image.data.length * 3);
    frames.set(image.data, image.data.length);
    const frame = { ...image, data: frames.subarray(image.data.length, image.data.length * 2) };
    expect(await engine.predict(frame)).toMatchObject({ score });
    for (const { length } of [encoded, rgba, frames, image.data]) expect(length).toBeGreaterThan(0);
    await expect(engine.predict(`${pictures}-9.png`)).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(engine.predict(encoded.slice(0, 100))).rejects.toMatchObject({ code: 'image-unreadable' });
    for (const wrong of [undefined, null, 7, {}, { data: 'x', width: 1 }, { ...image, width: 9 }]) {
      await expect(engine.predict(wrong as never)).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    await expect(engine.predict(image, { threshold: NaN })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    // None of these has ended the worker.
    expect(await engine.predict(image)).toMatchObject({ score });
  });
});

describe('auto', () => {
  const opened = async (
    model: string | Uint8Array,
    options: EngineOptions = {},
  ): Promise<readonly DskdEvent[]> => {
    const events: DskdEvent[] = [];
    await using(model, { workers: 0, onEvent: (event) => events.push(event), ...options }, () =>
      Promise.resolve(),
    );
    return events;
  };

  test('takes ONNX Runtime where the method can be exported, and says so', async () => {
    expect(await opened(file, { threads: 1 })).toEqual([
      {
        type: 'engine-chosen',
        engine: 'onnx',
        workers: 0,
        threads: 1,
        reason: 'onnxruntime-node is installed',
      },
    ]);
  });

  test('takes TensorFlow.js otherwise, and names the method', async () => {
    expect(await opened(notExportable)).toMatchObject([
      {
        engine: 'tfjs',
        threads: 1,
        reason: expect.stringContaining('The method vm cannot be exported') as string,
      },
    ]);
    expect(await opened(notExportable, { engine: 'tfjs' })).toEqual([]);
    await expect(openEngine(notExportable, { engine: 'onnx' })).rejects.toMatchObject({
      code: 'not-exportable',
    });
  });

  test('without onnxruntime-node it takes TensorFlow.js; who asked for it is told how to install it', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const internals = {
      importRuntime: () => Promise.reject(missing),
      workerModule: new URL('./worker.js', import.meta.url),
    };
    const engine = await openEngineWith(file, { workers: 0 }, internals);
    expect(engine.info).toMatchObject({
      engine: 'tfjs',
      reason: 'The package onnxruntime-node is not installed',
    });
    expect(await engine.predict(TEST_IMAGES[1]!)).toEqual(wanted[1]);
    await engine.dispose();
    for (const model of [file, path.join(folder, 'part.onnx')]) {
      await expect(openEngineWith(model, { engine: 'onnx' }, internals)).rejects.toMatchObject({
        code: 'dependency-missing',
        hint: expect.stringContaining('npm install --ignore-scripts onnxruntime-node') as string,
      });
    }
    const broken = { ...internals, importRuntime: () => Promise.reject(new Error('GLIBC is too old')) };
    await expect(openEngineWith(file, { engine: 'onnx' }, broken)).rejects.toMatchObject({
      code: 'dependency-missing',
      message: expect.stringContaining('GLIBC is too old') as string,
    });
  });

  test('a swap chooses anew, and tells where it has changed', async () => {
    const events: DskdEvent[] = [];
    const onEvent = (event: DskdEvent): unknown => events.push(event);
    await using(file, { workers: 0, onEvent }, async (engine) => {
      await engine.swap(file);
      await engine.swap(notExportable);
      expect(engine.info.engine).toBe('tfjs');
      expect((await engine.predict(TEST_IMAGES[1]!)).branches).not.toHaveProperty('global');
      await expect(engine.swap('missing.safetensors')).rejects.toMatchObject({ code: 'file-not-found' });
      expect(engine.info.engine).toBe('tfjs');
      await engine.swap(path.join(folder, 'part.onnx'));
      expectAlike([await engine.predict(TEST_IMAGES[1]!)], [wanted[1]!]);
    });
    expect(events).toMatchObject([{ engine: 'onnx' }, { engine: 'tfjs' }, { engine: 'onnx' }]);
  });
});

test('an ONNX file runs by ONNX Runtime, whatever its name, and not by TensorFlow.js', async () => {
  const exported = path.join(folder, 'part.onnx');
  await using(exported, { workers: 1, threads: 1 }, async (engine) => {
    expect(engine.info).toMatchObject({ engine: 'onnx', threads: 1, reason: 'the file is an ONNX file' });
    expectAlike(await all(engine, TEST_IMAGES), wanted);
  });
  await expect(openEngine(exported, { engine: 'tfjs' })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('.safetensors') as string,
  });
});

test('with workers the export is in a thread of its own: this one goes on to compute with TensorFlow.js', async () => {
  const detector = await loadDetector(bytes);
  const state = { isOpen: false };
  const opening = openEngine(bytes, { engine: 'onnx', workers: 1, threads: 1 }).finally(
    () => (state.isOpen = true),
  );
  let rounds = 0;
  while (!state.isOpen) {
    expect(await detector.predict(TEST_IMAGES)).toEqual(wanted);
    rounds++;
  }
  expect(rounds).toBeGreaterThan(2);
  const engine = await opening;
  expectAlike(await all(engine, TEST_IMAGES), wanted);
  await engine.dispose();
  detector.dispose();
});

test.each([0, 1])('%i workers: a file with too many pixels is refused', async (workers) => {
  await using(bytes, { engine: 'onnx', workers, threads: 1, maxPixels: 60 * 90 - 1 }, async (engine) => {
    await expect(engine.predict(`${pictures}-0.png`)).rejects.toMatchObject({
      code: 'image-unreadable',
      message: expect.stringContaining('at most 5399 pixels') as string,
    });
    // Pixels that are given are there already.
    expectAlike([await engine.predict(TEST_IMAGES[0]!)], wanted.slice(0, 1));
  });
});

test('a detector without its teacher takes it from a file', async () => {
  const without = await smallFile({ method: 'instant', input }, { embedTeacher: false });
  await expect(openEngine(without, { workers: 0 })).rejects.toMatchObject({ code: 'teacher-mismatch' });
  const teacher = await teacherTiny().load();
  const weights = path.join(folder, 'teacher.safetensors');
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

describe('what is wrong is refused, and nothing is left', () => {
  test.each<[string, EngineOptions]>([
    ['engine', { engine: 'torch' as never }],
    ['workers', { workers: -1 }],
    ['workers', { workers: 1.5 }],
    ['threads', { threads: 0 }],
    ['threads', { engine: 'tfjs', threads: 4 }],
    ['queue', { queue: -1 }],
    ['backend', { engine: 'tfjs', workers: 0, backend: 'quantum' }],
    ['backend', { engine: 'tfjs', workers: 1, backend: 'quantum' }],
    ['teacher', { teacher: 7 as never }],
  ])('%s of %j', async (name, options) => {
    await expect(openEngine(bytes, options)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`Got ${name}`) as string,
    });
  });

  const text = new TextEncoder().encode('this is no model');
  test.each<[string, string | Uint8Array, string]>([
    ['a path of nothing', 'missing.safetensors', 'file-not-found'],
    ['text', text, 'weights-invalid'],
    ['nothing', new Uint8Array(0), 'weights-invalid'],
    ['an URL', pathToFileURL('/part.safetensors') as never, 'invalid-argument'],
    ['an ONNX file that is none of ours', Uint8Array.of(8, 7), 'artifact-invalid'],
  ])('%s', async (_, model, code) => {
    for (const workers of [0, 1])
      await expect(openEngine(model, { workers })).rejects.toMatchObject({ code });
  });

  test('a file that is cut off, and text with the name of an ONNX file', async () => {
    await expect(openEngine(bytes.slice(0, 9000))).rejects.toMatchObject({ code: 'weights-invalid' });
    const named = path.join(folder, 'text.onnx');
    await writeFile(named, text);
    await expect(openEngine(named)).rejects.toMatchObject({ code: 'artifact-invalid' });
  });

  test('a signal ends the opening, also while workers load', async () => {
    await expect(openEngine(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 60);
    await expect(openEngine(file, { engine: 'tfjs', signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});

test.each([
  [true, 1],
  [false, 0],
])('with warmUp %s an engine of this thread scores %d images when it opens', async (warmUp, images) => {
  const scored = jest.spyOn(Detector.prototype, 'predict');
  try {
    await using(file, { engine: 'tfjs', workers: 0, warmUp }, async (engine) => {
      expect(scored).toHaveBeenCalledTimes(images);
      expect((await engine.predict(TEST_IMAGES[0]!)).score).toBe(wanted[0]!.score);
    });
  } finally {
    scored.mockRestore();
  }
});

test('an ONNX file whose values lie beside it: by its path, or by bytes and the path they are of', async () => {
  const detector = await loadDetector(bytes);
  const outside = path.join(folder, 'outside.onnx');
  await exportDetectorFile(detector, outside, { externalData: 'always' });
  detector.dispose();
  const read = new Uint8Array(await readFile(outside));
  const cases: [string | Uint8Array, EngineOptions][] = [
    [outside, { workers: 0 }],
    [read, { workers: 1, threads: 1, path: outside }],
  ];
  for (const [model, options] of cases) {
    await using engine = await openEngine(model, options);
    expect(engine.info).toMatchObject({ engine: 'onnx', description: { method: 'instant' } });
    const { score } = await engine.predict(TEST_IMAGES[1]!);
    expect(score / wanted[1]!.score).toBeCloseTo(1, 4);
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
