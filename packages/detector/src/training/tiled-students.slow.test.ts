import { TRAINING_DEFAULTS } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Detector } from '../inference/detector.js';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { combineDetectors } from './combine-detectors.js';
import { trainDetector } from './train-detector.js';
import type { TrainDetectorOptions } from './training-options.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** Students on images of 48 x 48 pixels, in tiles: the local one in four of 32, the global one whole. */
const students = (changes: TinyChanges = {}): TrainDetectorOptions =>
  tinyOptions(teacher, { size: [48, 48], tiles: { size: 32, overlap: 8 }, epochs: 1, ...changes });

async function testImages() {
  const samples = tinySource().samples.filter(({ split }) => split === 'test');
  return Promise.all(samples.map((sample) => sample.load()));
}

test('trained apart and combined are those that were trained at once', async () => {
  const apart: Detector[] = [];
  for (const name of ['local', 'global'] as const) {
    apart.push(
      await trainDetector(students({ branches: { [name]: TRAINING_DEFAULTS.dskd.branches[name] } })),
    );
  }
  const together = await trainDetector(students());
  const combined = await combineDetectors(apart, { source: tinySource() });
  const images = await testImages();
  expect(await combined.predict(images)).toEqual(await together.predict(images));
  const configs = apart.map(({ description }) => description.config);
  expect(configs.map(({ tile, whole }) => [tile === null, whole === null])).toEqual([
    [false, true],
    [true, false],
  ]);
  for (const each of [...apart, together, combined]) each.dispose();
});

test.each([0, 1])('a run that stopped in fit %i goes on to the same bits', async (which) => {
  const once = await trainDetector(students({ epochs: 2 }));
  const stop = new AbortController();
  let starts = 0;
  let bytes: Uint8Array | undefined;
  const save = (given: Uint8Array): Promise<void> => Promise.resolve(void (bytes = given));
  const checkpoint = { everyEpochs: 1, save };
  await expect(
    trainDetector({
      ...students({ epochs: 2 }),
      checkpoint,
      signal: stop.signal,
      onEvent: ({ type }) => {
        if (type === 'training-start') starts++;
        if (type === 'epoch-end' && starts === which + 1) stop.abort();
      },
    }),
  ).rejects.toMatchObject({ code: 'aborted' });
  const resumed = await trainDetector({ ...students({ epochs: 2 }), resumeFrom: bytes! });
  expect(Buffer.compare(resumed.save(), once.save()) === 0).toBe(true);
  const other = trainDetector({ ...students({ epochs: 2, seed: 4 }), resumeFrom: bytes! });
  await expect(other).rejects.toMatchObject({ code: 'invalid-argument' });
  const without = trainDetector(tinyOptions(teacher, { size: [48, 48], resumeFrom: bytes! }));
  await expect(without).rejects.toMatchObject({ code: 'artifact-invalid' });
  for (const each of [once, resumed]) each.dispose();
});
