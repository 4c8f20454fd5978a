import '@tensorflow/tfjs';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { prepareMask, type ImageSource, type Sample } from '@dskd/data';
import { auroc } from '@dskd/metrics';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Detector } from './detector.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { loadDetector } from '../artifact/load-detector.js';
import { mapInImage } from './map-in-image.js';
import { recalibrate } from '../calibration/recalibrate.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinyTeacher } from '../tiny-world.test.util.js';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import { trainDetector } from '../training/train-detector.js';

const [WIDTH, HEIGHT] = [64, 40];
const FAULT = { left: 6, top: 5, side: 14 };

/** Gray noise with a bright square in the middle; the right eighth flickers from image to image. */
function image(seed: number, faulty: boolean): PixelBuffer {
  const random = randomStream(seed, 'image');
  const flicker = 255 * random.uniform();
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    const { left, top, side } = FAULT;
    let value = x >= 26 && x < 38 && y >= 14 && y < 26 ? 220 : 128;
    if (faulty && x >= left && x < left + side && y >= top && y < top + side) value = 10;
    data.fill(x >= WIDTH - 8 ? flicker : value + 20 * random.uniform(), i * 3, i * 3 + 3);
  }
  return { data, width: WIDTH, height: HEIGHT, channels: 3 };
}

function faultMask(): PixelBuffer {
  const data = new Uint8Array(WIDTH * HEIGHT);
  for (let y = FAULT.top; y < FAULT.top + FAULT.side; y++) {
    data.fill(1, y * WIDTH + FAULT.left, y * WIDTH + FAULT.left + FAULT.side);
  }
  return { data, width: WIDTH, height: HEIGHT, channels: 1 };
}

/** The flickering strip, and what is beside it within the features' reach. */
const ignored: PixelBuffer = {
  data: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % WIDTH >= WIDTH - 20 ? 1 : 0)),
  width: WIDTH,
  height: HEIGHT,
  channels: 1,
};

function sample(split: Sample['split'], index: number, faulty: boolean): Sample {
  return {
    id: `${split}/${index}.png`,
    split,
    label: faulty ? 'anomalous' : 'good',
    defectType: faulty ? 'spot' : 'good',
    load: () => Promise.resolve(image(index, faulty)),
    ...(faulty && { loadMask: () => Promise.resolve(faultMask()) }),
  };
}

const source: ImageSource = {
  name: 'wide',
  samples: [
    ...Array.from({ length: 8 }, (_, i) => sample('train', i, false)),
    ...Array.from({ length: 4 }, (_, i) => sample('test', 100 + i, false)),
    ...Array.from({ length: 4 }, (_, i) => sample('test', 200 + i, true)),
  ],
  fingerprint: () => Promise.resolve('0'.repeat(64)),
};

/** AUROC of the pixels that count. */
function separation(heat: Float32Array, mask: ArrayLike<number>, out: ArrayLike<number>): number {
  const counting = [...heat.keys()].filter((i) => !out[i]);
  return auroc(
    counting.map((i) => heat[i]!),
    counting.map((i) => mask[i]!),
  );
}

let teacher: Teacher;
let detector: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  detector = await trainDetector(
    tinyOptions(teacher, {
      source,
      epochs: 25,
      // One student: with a teacher of made-up weights the global one says little, and more or less of it with the last bits of its training.
      branches: { local: TRAINING_DEFAULTS.dskd.branches.local },
      reestimateBatchNorm: true,
      fit: 'letterbox',
      ignored,
    }),
  );
});

afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

test('the artifact says how images are fitted and holds the mask; loaded it scores the same', async () => {
  expect(detector.description.resize).toEqual({
    fit: 'letterbox',
    filter: 'bilinear-antialiased',
    fill: [124, 116, 104],
  });
  expect(detector.description.ignored).toBe(true);
  const bytes = detector.save();
  const loaded = await loadDetector(bytes);
  expect(loaded.description).toEqual(detector.description);
  expect(Buffer.compare(loaded.save(), bytes)).toBe(0);
  const images = [image(300, false), image(301, true)];
  expect(await loaded.predict(images)).toEqual(await detector.predict(images));
  loaded.dispose();
});

test('what is ignored stays out of every later score', async () => {
  const prediction = await detector.predict(image(302, true));
  const { data } = prediction.map;
  expect(prediction.content).toEqual({ left: 0, top: 6, width: 32, height: 20 });
  data.forEach((value, i) => {
    const [x, y] = [i % 32, Math.floor(i / 32)];
    const out = x >= 22 || y < 6 || y >= 26;
    expect(prediction.ignored![i]).toBe(out ? 1 : 0);
    if (out) expect(value).toBeLessThan(prediction.score);
  });
});

test('a fault in a letterboxed image is found, and found where it is', async () => {
  const result = await evaluateDetector(detector, source);
  expect(result.fused.imageAuroc).toBe(1);
  expect(result.fused.pixelAuroc).toBeGreaterThan(0.9);
  const prediction = await detector.predict(image(303, true));
  // The heat map in the image's own pixels separates as well as the map at network size does.
  const heat = mapInImage(prediction, { width: WIDTH, height: HEIGHT });
  const atNetworkSize = separation(
    prediction.map.data,
    prepareMask(faultMask(), { width: 32, height: 32, fit: 'letterbox' }),
    prediction.ignored!,
  );
  expect(atNetworkSize).toBeGreaterThan(0.7);
  expect(Math.abs(separation(heat.data, faultMask().data, ignored.data) - atNetworkSize)).toBeLessThan(0.02);
  // The strongest region touches the fault, or lies within two pixels of the network's input from it.
  const { box } = prediction.regions[0]!;
  const reach = 4;
  expect(box.left).toBeLessThan(FAULT.left + FAULT.side + reach);
  expect(box.left + box.width).toBeGreaterThan(FAULT.left - reach);
  expect(box.top).toBeLessThan(FAULT.top + FAULT.side + reach);
  expect(box.top + box.height).toBeGreaterThan(FAULT.top - reach);
});

test('calibrating again keeps to fit and mask: on the same images the same threshold', async () => {
  const copy = await loadDetector(detector.save());
  const held = detector.description.calibration.scores;
  const scores: number[] = [];
  for (const each of source.samples.slice(0, 8)) {
    scores.push((await copy.predict(await each.load())).score);
  }
  await recalibrate(copy, source, { falseAlarmRate: 0.2 });
  expect([...copy.description.calibration.scores].sort()).toEqual([...scores].sort());
  for (const score of held) expect(scores).toContain(score);
  copy.dispose();
});

test('a mask over everything is refused before anything is trained', async () => {
  const everything = { ...ignored, data: new Uint8Array(WIDTH * HEIGHT).fill(1) };
  const training = trainDetector(tinyOptions(teacher, { source, ignored: everything }));
  await expect(training).rejects.toThrow('covers every pixel');
});
