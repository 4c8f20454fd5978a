import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Prediction } from '@dskd/detector';
import type { Engine } from '../engine.js';
import { smallFile, TEST_IMAGES } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { importRuntime } from './onnx-runtime.js';
import { openEngineWith, type EngineOptions } from './open-engine.js';

const DEADLY = 'deadly.png';
const [GOOD, BAD] = [TEST_IMAGES[0]!, TEST_IMAGES[1]!];

/** Where this file is, threads end while they load. */
const flag = path.join(tmpdir(), `dskd-dying-worker-${process.pid}`);
let files: readonly Uint8Array[];
beforeAll(async () => {
  // Without a teacher: a worker starts sooner.
  files = [
    await smallFile({ method: 'vm', input: { size: [50, 74] } }),
    await smallFile({ method: 'vm', input: { size: [40, 60] } }),
  ];
});

afterAll(() => rm(flag, { force: true }));

const opened = (options: EngineOptions = {}): Promise<Engine<EngineImage, string | Uint8Array>> =>
  openEngineWith(
    files[0]!,
    { engine: 'tfjs', workers: 1, ...options },
    { importRuntime, workerModule: new URL('./dying-worker.test.util.js', import.meta.url) },
  );

test('a worker that ends rejects what it had, and is replaced', async () => {
  const engine = await opened();
  const { score } = await engine.predict(BAD);
  // Three, but with results between them.
  for (let deaths = 0; deaths < 3; deaths++) {
    const lost = engine.predict(DEADLY);
    await expect(lost).rejects.toMatchObject({
      code: 'worker-failed',
      message: expect.stringContaining('code 3') as string,
    });
    expect(await engine.predict(BAD)).toMatchObject({ score });
  }
  await engine.dispose();
});

test('while one is replaced the other works, and what waits is scored', async () => {
  const engine = await opened({ workers: 2 });
  const images = [GOOD, DEADLY, ...Array.from({ length: 10 }, () => GOOD)];
  const outcomes = await Promise.allSettled(images.map((image) => engine.predict(image)));
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  // What the thread had besides is lost with it.
  expect(failed.length).toBeGreaterThanOrEqual(1);
  expect(failed.length).toBeLessThanOrEqual(2);
  expect(outcomes[1]!.status).toBe('rejected');
  await engine.dispose();
});

test('three that end in a row reject everything, and a swap helps', async () => {
  const engine = await opened();
  for (let deaths = 0; deaths < 3; deaths++) {
    await expect(engine.predict(DEADLY)).rejects.toMatchObject({ code: 'worker-failed' });
  }
  await expect(engine.predict(GOOD)).rejects.toMatchObject({
    code: 'worker-failed',
    message: expect.stringContaining('3 workers ended one after another') as string,
    hint: expect.stringContaining('memory') as string,
  });
  await engine.swap(files[1]!);
  expect((await engine.predict(BAD)).verdict).toBe('anomalous');
  await engine.dispose();
});

test('a worker that ends while it loads ends the opening; one that cannot be replaced, the engine', async () => {
  await writeFile(flag, '');
  await expect(opened()).rejects.toMatchObject({
    code: 'worker-failed',
    message: expect.stringContaining('code 4') as string,
  });
  await rm(flag);
  const engine = await opened();
  await writeFile(flag, '');
  await expect(engine.predict(DEADLY)).rejects.toMatchObject({ code: 'worker-failed' });
  await expect(engine.predict(GOOD)).rejects.toMatchObject({
    message: expect.stringContaining('code 4') as string,
  });
  await rm(flag);
  await engine.dispose();
});

test('200 predictions while workers swap twice, none fails, and each is of one of the models', async () => {
  const engine = await opened({ workers: 1, queue: 200 });
  const scoreOf = async (): Promise<number> => (await engine.predict(BAD)).score;
  const first = await scoreOf();
  await engine.swap(files[1]!);
  const second = await scoreOf();
  expect(second).not.toBe(first);
  const taken: Promise<Prediction>[] = [];
  const swaps = [files[0]!, files[1]!].map((file) => engine.swap(file));
  let left = swaps.length;
  for (const swap of swaps) void swap.then(() => left--);
  while (left > 0 || taken.length < 200) {
    taken.push(engine.predict(BAD));
    await Promise.race([taken.at(-1)!, new Promise((resolve) => setTimeout(resolve, 5))]);
    // On a busy machine swaps take long: the queue must not fill meanwhile.
    await taken[taken.length - 100];
  }
  const scores = (await Promise.all(taken)).map(({ score }) => score);
  expect(scores.length).toBeGreaterThanOrEqual(200);
  expect(new Set(scores)).toEqual(new Set([first, second]));
  // A swap that fails leaves the model.
  await expect(engine.swap(new TextEncoder().encode('no model'))).rejects.toMatchObject({
    code: 'weights-invalid',
  });
  expect(await scoreOf()).toBe(second);
  await engine.dispose();
});

test('an aborted image that is being scored rejects at once; dispose does not wait for it', async () => {
  const engine = await opened();
  const stop = new AbortController();
  const running = engine.predict(BAD, { signal: stop.signal });
  const other = engine.predict(BAD);
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  const disposed = engine.dispose();
  await expect(other).rejects.toMatchObject({ code: 'disposed' });
  await disposed;
});
