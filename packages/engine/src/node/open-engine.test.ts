import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import type { DskdEvent } from '@dskd/base';
import { Detector } from '@dskd/detector';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import { openEngine, openEngineWith, type EngineOptions } from './open-engine.js';
import { expectAlike, using, writeFiles, type Files } from './files.test.util.js';

let files: Files;
beforeAll(async () => {
  files = await writeFiles();
}, 60_000);
afterAll(() => files.remove());

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
    expect(await opened(files.file, { threads: 1 })).toEqual([
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
    expect(await opened(files.notExportable, { threads: 2 })).toMatchObject([
      {
        engine: 'tfjs',
        threads: 2,
        reason: expect.stringContaining('The method vm cannot be exported') as string,
      },
    ]);
    expect(await opened(files.notExportable, { engine: 'tfjs' })).toEqual([]);
    await expect(openEngine(files.notExportable, { engine: 'onnx' })).rejects.toMatchObject({
      code: 'not-exportable',
    });
  });

  test('without onnxruntime-node it takes TensorFlow.js; who asked for it is told how to install it', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const internals = {
      importRuntime: () => Promise.reject(missing),
      workerModule: new URL('./worker.js', import.meta.url),
    };
    const engine = await openEngineWith(files.file, { workers: 0 }, internals);
    expect(engine.info).toMatchObject({
      engine: 'tfjs',
      reason: 'The package onnxruntime-node is not installed',
    });
    expect(await engine.predict(TEST_IMAGES[1]!)).toEqual(files.wanted[1]);
    await engine.dispose();
    for (const model of [files.file, files.exported]) {
      await expect(openEngineWith(model, { engine: 'onnx' }, internals)).rejects.toMatchObject({
        code: 'dependency-missing',
        hint: expect.stringContaining('npm install --ignore-scripts onnxruntime-node') as string,
      });
    }
    const broken = { ...internals, importRuntime: () => Promise.reject(new Error('GLIBC is too old')) };
    await expect(openEngineWith(files.file, { engine: 'onnx' }, broken)).rejects.toMatchObject({
      code: 'dependency-missing',
      message: expect.stringContaining('GLIBC is too old') as string,
    });
  });

  test('a swap chooses anew, and tells where it has changed', async () => {
    const events: DskdEvent[] = [];
    const onEvent = (event: DskdEvent): unknown => events.push(event);
    await using(files.file, { workers: 0, onEvent }, async (engine) => {
      await engine.swap(files.file);
      await engine.swap(files.notExportable);
      expect(engine.info.engine).toBe('tfjs');
      expect((await engine.predict(TEST_IMAGES[1]!)).branches).not.toHaveProperty('global');
      await expect(engine.swap('missing.safetensors')).rejects.toMatchObject({ code: 'file-not-found' });
      expect(engine.info.engine).toBe('tfjs');
      await engine.swap(files.exported);
      expectAlike([await engine.predict(TEST_IMAGES[1]!)], [files.wanted[1]!]);
    });
    expect(events).toMatchObject([{ engine: 'onnx' }, { engine: 'tfjs' }, { engine: 'onnx' }]);
  });
});

describe('what is wrong is refused, and nothing is left', () => {
  test.each<[string, EngineOptions]>([
    ['engine', { engine: 'torch' as never }],
    ['workers', { workers: -1 }],
    ['workers', { workers: 1.5 }],
    ['threads', { threads: 0 }],
    ['threads', { engine: 'tfjs', backend: 'cpu', threads: 4 }],
    ['queue', { queue: -1 }],
    ['backend', { engine: 'tfjs', workers: 0, backend: 'quantum' }],
    ['backend', { engine: 'tfjs', workers: 1, backend: 'quantum' }],
    ['teacher', { teacher: 7 as never }],
  ])('%s of %j', async (name, options) => {
    await expect(openEngine(files.bytes, options)).rejects.toMatchObject({
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
    await expect(openEngine(files.bytes.slice(0, 9000))).rejects.toMatchObject({ code: 'weights-invalid' });
    const named = path.join(files.folder, 'text.onnx');
    await writeFile(named, text);
    await expect(openEngine(named)).rejects.toMatchObject({ code: 'artifact-invalid' });
  });

  test('a signal ends the opening, also while workers load', async () => {
    await expect(openEngine(files.file, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 60);
    await expect(openEngine(files.file, { engine: 'tfjs', signal: stop.signal })).rejects.toMatchObject({
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
    await using(files.file, { engine: 'tfjs', workers: 0, warmUp }, async (engine) => {
      expect(scored).toHaveBeenCalledTimes(images);
      expect((await engine.predict(TEST_IMAGES[0]!)).score).toBe(files.wanted[0]!.score);
    });
  } finally {
    scored.mockRestore();
  }
});
