import { rm, writeFile } from 'node:fs/promises';
import type { Engine } from '../engine.js';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import type { EngineImage } from './image.js';
import { type EngineOptions } from './open-engine.js';
import { flag, openMortal, twoModels } from './mortal-engine.test.util.js';

const DEADLY = 'deadly.png';
const [GOOD, BAD] = [TEST_IMAGES[0]!, TEST_IMAGES[1]!];

let files: readonly Uint8Array[];
beforeAll(async () => {
  files = await twoModels();
});
afterAll(() => rm(flag, { force: true }));

const opened = (options: EngineOptions = {}): Promise<Engine<EngineImage, string | Uint8Array>> =>
  openMortal(files[0]!, options);

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
