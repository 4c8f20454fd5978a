import type { Prediction } from '@dskd/detector';
import type { Engine } from '../engine.js';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { type EngineOptions } from './open-engine.js';
import { openMortal, twoModels } from './mortal-engine.test.util.js';

const BAD = TEST_IMAGES[1]!;

let files: readonly Uint8Array[];
beforeAll(async () => {
  files = await twoModels();
});

const opened = (options: EngineOptions = {}): Promise<Engine<EngineImage, string | Uint8Array>> =>
  openMortal(files[0]!, options);

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
