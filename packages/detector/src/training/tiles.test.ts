import type { ImageSource } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import * as tf from '@tensorflow/tfjs';
import { readArtifact, writeArtifact } from '../artifact/artifact.js';
import { descriptionSchema } from '../artifact/description.js';
import { loadDetector } from '../artifact/load-detector.js';
import type { Detector } from '../inference/detector.js';
import { tinyOptions, tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { estimateTraining } from './estimate-training.js';
import { trainDetector } from './train-detector.js';
import type { TrainDetectorOptions } from './training-options.js';

const TILES = { size: 32, overlap: 8 };
let teacher: Teacher;
let detector: Detector;

/** A small bank, subspace and pooled Gaussian on images of 64 x 72 pixels, in tiles. */
function instant(changes: Partial<TrainDetectorOptions> = {}): TrainDetectorOptions {
  return {
    source: tinySource(),
    teacher,
    method: 'instant',
    options: {
      local: { coreset: { count: 60 }, projection: 32 },
      global: { levels: [3] },
      pooled: { levels: [1], pooling: 'mean' },
    },
    input: { size: [64, 72], tiles: TILES },
    calibration: { holdOutFraction: 0.3 },
    seed: 3,
    ...changes,
  };
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  detector = await trainDetector(instant());
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

async function testImages() {
  const samples = tinySource().samples.filter(({ split }) => split === 'test');
  return Promise.all(samples.map((sample) => sample.load()));
}

/** Comparing them by `toEqual` takes seconds. */
function sameBytes(got: Uint8Array, wanted: Uint8Array): boolean {
  return Buffer.compare(got, wanted) === 0;
}

/** `tinySource`, counting how often each image is decoded. */
function counting(): { readonly source: ImageSource; readonly loads: Map<string, number> } {
  const tiny = tinySource();
  const loads = new Map<string, number>();
  const counted = tiny.samples.map((sample) => ({
    ...sample,
    load: () => {
      loads.set(sample.id, (loads.get(sample.id) ?? 0) + 1);
      return sample.load();
    },
  }));
  return { source: { ...tiny, samples: counted }, loads };
}

test('a detector on tiles has maps of its own size, and says so', async () => {
  const { description } = detector;
  expect(description.tiles).toEqual(TILES);
  expect(description.inputSize).toEqual([64, 72]);
  expect(description.fusion.sigma).toBe(0.5);
  expect(description.branches.map(({ name, map }) => [name, map])).toEqual([
    ['local', true],
    ['global', true],
    ['pooled', false],
  ]);
  const [first] = await detector.predict(await testImages());
  expect([first!.map.height, first!.map.width]).toEqual([64, 72]);
  expect(first!.branches.local!.map!.data).toHaveLength(64 * 72);
});

test('saved and loaded it gives the same bits, and leaves no tensor', async () => {
  const images = await testImages();
  const wanted = await detector.predict(images);
  const bytes = detector.save();
  const names = [...readArtifact(bytes).tensors.keys()].filter((name) => !name.startsWith('teacher.'));
  expect(names.every((name) => /^instant\.(tile\.local|whole\.global|whole\.pooled)\./.test(name))).toBe(
    true,
  );
  await expectNoNewTensors(async () => {
    const loaded = await loadDetector(bytes, { teacher });
    expect(loaded.description).toEqual(readArtifact(bytes).description);
    expect(await loaded.predict(images)).toEqual(wanted);
    expect(sameBytes(loaded.save(), bytes)).toBe(true);
    loaded.dispose();
  });
});

test('the same training gives the same file, and decodes no image once for each tile', async () => {
  const { source, loads } = counting();
  const again = await expectNoNewTensors(async () => {
    const made = await trainDetector(instant({ source }));
    const bytes = made.save();
    made.dispose();
    return bytes;
  });
  expect(sameBytes(again, detector.save())).toBe(true);
  expect(new Set(loads.values())).toEqual(new Set([1]));
});

test('predictions do not depend on the batch', async () => {
  const images = await testImages();
  const wanted = await detector.predict(images, { batchSize: 1 });
  expect(await detector.predict(images, { batchSize: 4 })).toEqual(wanted);
  expect(await detector.predict(images)).toEqual(wanted);
});

test.each(['instant', 'dskd'] as const)(
  'a tile as large as the image gives what no tiles give: %s',
  async (method) => {
    const train = (tiles: { size: number; overlap: number } | undefined): Promise<Detector> =>
      trainDetector(
        method === 'dskd'
          ? tinyOptions(teacher, { epochs: 1, tiles })
          : instant({ input: { size: [32, 32], tiles } }),
      );
    const [whole, tiled] = [await train(undefined), await train({ size: 32, overlap: 0 })];
    const images = await testImages();
    const [wanted, got] = [await whole.predict(images), await tiled.predict(images)];
    if (method === 'dskd') {
      expect(got).toEqual(wanted);
      expect(tiled.description.calibration).toEqual(whole.description.calibration);
    }
    // Without tiles, maps of `instant` are resized and smoothed in one step: the same up to rounding.
    const close = { absolute: 1e-5, relative: 1e-5 };
    for (const [index, { score, map, verdict }] of wanted.entries()) {
      expectClose([got[index]!.score], [score], close);
      expectClose(got[index]!.map.data, map.data, close);
      expect(got[index]!.verdict).toBe(verdict);
    }
    for (const each of [whole, tiled]) each.dispose();
  },
);

test('ignored pixels and the border of a letterbox count for nothing', async () => {
  const size = [64, 96] as const;
  const boxed = await trainDetector(instant({ input: { size, tiles: TILES, fit: 'letterbox' } }));
  const [good, , , bad] = await testImages();
  const ignored = new Uint8Array(64 * 96);
  // The dark corner of the anomalous image, and what the Gaussian and the tiles' features carry around it.
  for (let y = 0; y < 40; y++) ignored.fill(1, y * 96, y * 96 + 56);
  const [seen, unseen] = [await boxed.predict(bad!), await boxed.predict(bad!, { ignored })];
  expect(seen.ignored!.reduce((sum, value) => sum + value, 0)).toBe(64 * 32);
  expect(seen.branches.local!.score).toBeGreaterThan(unseen.branches.local!.score);
  expect(seen.branches.local!.score).toBeGreaterThan((await boxed.predict(good!)).branches.local!.score);
  expect(unseen.map.data.every((value, at) => !ignored[at] || value <= unseen.score)).toBe(true);
  boxed.dispose();
});

test('an abort ends the fit, and leaves no tensor', async () => {
  const stop = new AbortController();
  await expectNoNewTensors(async () => {
    const training = trainDetector(
      instant({
        signal: stop.signal,
        onEvent: ({ type }) => {
          if (type === 'fit-progress') stop.abort();
        },
      }),
    );
    await expect(training).rejects.toMatchObject({ code: 'aborted' });
  });
});

test('memory does not grow with the image but for the image itself', async () => {
  const at = async (size: readonly [number, number]): Promise<number> =>
    (await estimateTraining(instant({ input: { size, tiles: TILES } }), { measuredSteps: 0 })).memory.parts
      .filter(({ what, heap }) => heap === 'main' && what !== 'an image at its full size')
      .reduce((sum, { bytes }) => sum + bytes, 0);
  expect(await at([1280, 1280])).toBe(await at([640, 640]));
  const { memory } = await estimateTraining(instant(), { measuredSteps: 0 });
  expect(memory.total).toBe(memory.parts.reduce((sum, { bytes }) => sum + bytes, 0));
});

test('a lesson, its end, and the nearest patch reach both models', async () => {
  const taught = await loadDetector(detector.save(), { teacher });
  const images = tf.tidy(() => tf.zeros<tf.Rank.R4>([1, 64, 72, 3]));
  const { model } = taught;
  async function* lesson(): AsyncGenerator<tf.Tensor4D> {
    yield await Promise.resolve(images);
  }
  const distance = async (): Promise<number> => (await model.nearest!(images, [[60, 70]]))[0]!.distance;
  const before = await distance();
  expect(before).toBeGreaterThan(0);
  await model.extend!(lesson());
  const [found] = await model.nearest!(images, [[60, 70]]);
  expect(found!.distance).toBeLessThan(before / 10);
  // Five images were trained on: the lesson's is the next one.
  expect(found!.image).toBe(detector.description.trainings[0]!.images);
  expect(found!.area.x + found!.area.width).toBeLessThanOrEqual(72);
  model.forget!();
  expect(await distance()).toBe(before);
  images.dispose();
  taught.dispose();
});

test.each(['fre', 'padim', 'gaussian'])('the method %s is refused by name, with what can', async (method) => {
  await expect(trainDetector(instant({ method, options: {} }))).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining(
      `Got tiles for the method ${method}, which cannot run on them`,
    ) as string,
    hint: expect.stringContaining('dskd, instant, patchcore, rd') as string,
  });
});

test('a bank that weighs positions is refused', async () => {
  const options = { positionWeight: 1 };
  await expect(trainDetector(instant({ method: 'patchcore', options }))).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining('positionWeight 1 for the method patchcore on tiles') as string,
  });
});

test.each([{ size: 128 }, { size: 32, overlap: 32 }, { size: 40 }, { size: 16 }])(
  'tiles %j are refused before anything is read',
  async (tiles) => {
    const { source, loads } = counting();
    const training = trainDetector(instant({ source, input: { size: [64, 64], tiles } }));
    await expect(training).rejects.toMatchObject({
      code: 'invalid-config',
      hint: expect.any(String) as string,
    });
    expect(loads.size).toBe(0);
  },
);

test('a file from before there were tiles is one of whole images', () => {
  const { description, tensors } = readArtifact(detector.save());
  const { tiles, ...older } = description;
  expect(tiles).toEqual(TILES);
  expect(descriptionSchema.parse(older).tiles).toBeNull();
  // Its config is then not what the method wants.
  const bytes = writeArtifact({ description: { ...description, tiles: null }, tensors });
  return expect(loadDetector(bytes, { teacher })).rejects.toMatchObject({ code: 'artifact-invalid' });
});

test.each([
  ['tiles that do not fit', { size: 96, overlap: 0 }, 'invalid-config'],
  ['tiles that the teacher cannot take', { size: 40, overlap: 0 }, 'invalid-config'],
])('a file with %s is refused', async (_, tiles, code) => {
  const { description, tensors } = readArtifact(detector.save());
  const bytes = writeArtifact({ description: { ...description, tiles }, tensors });
  await expectNoNewTensors(async () => {
    await expect(loadDetector(bytes, { teacher })).rejects.toMatchObject({ code });
  });
});
