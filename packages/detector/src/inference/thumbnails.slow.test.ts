import '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { PreparedImages, placement, preparePixels, sourceOf, type ImageSource } from '@dskd/data';
import { createMethod, registerMethod } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import type { Region } from '@dskd/scoring';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { readArtifact, writeArtifact } from '../artifact/artifact.js';
import { useDamaged, withDamagedBytes, withDamagedDescription } from '../artifact/hostile-files.test.util.js';
import { loadDetector } from '../artifact/load-detector.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { instantDetector } from '../lessons/instant.test.util.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { estimateTraining } from '../training/estimate-training.js';
import { trainDetector } from '../training/train-detector.js';
import type { TrainDetectorOptions } from '../training/training-options.js';
import type { Detector } from './detector.js';
import { makeThumbnails, thumbnailAt, thumbnailSize } from './thumbnails.js';

let teacher: Teacher;
let detector: Detector;
let faulty: PixelBuffer;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  detector = await instantDetector(teacher, { thumbnails: 16 });
  faulty = await tinySource()
    .samples.find(({ label }) => label === 'anomalous')!
    .load();
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

/** A bank of few rows on the tiny source. */
function bank(changes: Partial<TrainDetectorOptions> = {}): TrainDetectorOptions {
  return {
    source: tinySource(),
    teacher,
    method: 'patchcore',
    options: { coreset: { count: 60 } },
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.3 },
    seed: 3,
    thumbnails: 16,
    ...changes,
  };
}

const saved = (of: Detector): Uint8Array => of.save({ embedTeacher: false });

/** A region whose highest point is `(x, y)`. */
const regionAt = (x: number, y: number): Region => ({
  box: { left: x, top: y, width: 2, height: 2 },
  area: 4,
  score: 9,
  peak: { x, y },
});

/** The training images of a detector, as the network sees them. */
async function inputsOf({ description }: Detector, source: ImageSource): Promise<PixelBuffer[]> {
  const { trainingImages, trainings, inputSize, resize } = description;
  const names = trainingImages!.slice(0, trainings[0]!.images);
  const images = await Promise.all(
    names.map(({ id }) => source.samples.find((sample) => sample.id === id)!.load()),
  );
  const [height, width] = inputSize;
  return images.map((image) => preparePixels(image, { height, width, fit: resize.fit }));
}

/** Half the size by the definition: a triangle of two pixels each way around the middle, within the image. */
function halved({ data, width, height }: PixelBuffer): number[] {
  const weights = (at: number, side: number): [number, number][] => {
    const all = Array.from({ length: side }, (_, k): [number, number] => [
      k,
      Math.max(0, 1 - Math.abs(k + 0.5 - 2 * (at + 0.5)) / 2),
    ]).filter(([, weight]) => weight > 0);
    const sum = all.reduce((total, [, weight]) => total + weight, 0);
    return all.map(([k, weight]) => [k, weight / sum]);
  };
  const result: number[] = [];
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let value = 0;
        for (const [row, down] of weights(y, height))
          for (const [column, across] of weights(x, width))
            value += down * across * data[(row * width + column) * 3 + channel]!;
        result.push(value);
      }
    }
  }
  return result;
}

describe('by hand', () => {
  test.each([
    [[256, 256], 64, [64, 64]],
    [[320, 192], 64, [64, 38]],
    [[192, 320], 64, [38, 64]],
    [[32, 32], 64, [32, 32]],
    [[4096, 32], 16, [16, 1]],
  ] as const)('an input of %j at %d pixels is %j', (input, side, [height, width]) => {
    expect(thumbnailSize(input, side)).toEqual({ width, height });
  });

  const three = { width: 4, height: 2, data: Uint8Array.from({ length: 72 }, (_, index) => index) };
  const network = { width: 32, height: 16 };
  const whole = placement({ width: 64, height: 32 }, network, 'stretch');

  test.each([
    [
      { x: 8, y: 0, width: 8, height: 8 },
      { left: 1, top: 0, width: 1, height: 1 },
    ],
    [
      { x: 4, y: 4, width: 8, height: 8 },
      { left: 0, top: 0, width: 2, height: 2 },
    ],
    [
      { x: 31, y: 15, width: 1, height: 1 },
      { left: 3, top: 1, width: 1, height: 1 },
    ],
    [
      { x: -9, y: 20, width: 4, height: 4 },
      { left: 0, top: 1, width: 1, height: 1 },
    ],
    [
      { x: -9, y: -9, width: 99, height: 99 },
      { left: 0, top: 0, width: 4, height: 2 },
    ],
  ])('%j of the input is %j of the thumbnail', (area, wanted) => {
    expect(thumbnailAt(three, { image: 0, area }, whole).area).toEqual(wanted);
  });

  test('each image has its own pixels, a copy; altered copies follow the images', () => {
    const area = { x: 0, y: 0, width: 8, height: 8 };
    for (const index of [1, 4, 7]) {
      const { image } = thumbnailAt(three, { image: index, area }, whole);
      expect(image).toEqual({ data: three.data.slice(24, 48), width: 4, height: 2, channels: 3 });
      image.data.fill(0);
    }
    expect(three.data[24]).toBe(24);
  });

  test('of a patch that reaches into the border of a letterbox, what is inside of the image counts', () => {
    // An image of 20 x 40 in 32 x 32: columns 8 to 24.
    const box = placement({ width: 20, height: 40 }, { width: 32, height: 32 }, 'letterbox');
    const small = { width: 16, height: 16, data: new Uint8Array(768) };
    const at = (x: number): unknown =>
      thumbnailAt(small, { image: 0, area: { x, y: 8, width: 8, height: 8 } }, box).area;
    expect(at(4)).toEqual({ left: 4, top: 4, width: 2, height: 4 });
    expect(at(20)).toEqual({ left: 10, top: 4, width: 2, height: 4 });
  });
});

test('they are the images of the fit as the network sees them, at half the size', async () => {
  const inputs = await inputsOf(detector, tinySource());
  const { width, height, data } = detector.thumbnails!;
  expect([width, height, data.length]).toEqual([16, 16, inputs.length * 768]);
  inputs.forEach((input, index) => {
    const own = data.subarray(index * 768, (index + 1) * 768);
    halved(input).forEach((value, at) => expect(Math.abs(own[at]! - value)).toBeLessThanOrEqual(1));
  });
});

test('at the size of the input and in a letterbox they are its bytes', async () => {
  const wide = sourceOf(
    'wide',
    tinySource()
      .samples.slice(0, 5)
      .map((sample) => ({
        ...sample,
        load: async () => {
          const { data } = await sample.load();
          return { data: data.slice(0, 40 * 20 * 3), width: 40, height: 20, channels: 3 };
        },
      })),
  );
  const own = await trainDetector(
    bank({ source: wide, input: { size: [32, 32], fit: 'letterbox' }, thumbnails: 256 }),
  );
  expect(own.description.thumbnails).toEqual({ width: 32, height: 32 });
  const inputs = await inputsOf(own, wide);
  expect(
    Buffer.compare(own.thumbnails!.data, Buffer.concat(inputs.map(({ data }) => Uint8Array.from(data)))),
  ).toBe(0);
  const image = await wide.samples[0]!.load();
  for (const { nearest } of await own.explain(image, [regionAt(0, 0), regionAt(39, 19)])) {
    const { top, height } = nearest.thumbnail!.area;
    expect([top >= 8, top + height <= 24]).toEqual([true, true]);
  }
  own.dispose();
});

test('a file without them is byte for byte what it was: they are one tensor and one field more', async () => {
  const plain = await instantDetector(teacher);
  const { description, tensors } = readArtifact(saved(detector));
  tensors.delete('thumbnails');
  const without = writeArtifact({ description: { ...description, thumbnails: undefined }, tensors });
  expect(Buffer.compare(without, saved(plain))).toBe(0);
  expect(plain.thumbnails).toBeNull();
  expect(saved(detector).length - without.length).toBeGreaterThanOrEqual(detector.thumbnails!.data.length);
  const [explained] = await plain.explain(faulty, [regionAt(6, 6)]);
  expect(explained!.nearest.thumbnail).toBeNull();
  plain.dispose();
});

test('trained again, and saved, loaded and saved: the same bytes', async () => {
  const again = await expectNoNewTensors(async () => {
    const other = await instantDetector(teacher, { thumbnails: 16 });
    const bytes = saved(other);
    other.dispose();
    return bytes;
  });
  expect(Buffer.compare(again, saved(detector))).toBe(0);
  const loaded = await loadDetector(saved(detector), { teacher });
  expect(loaded.thumbnails).toEqual(detector.thumbnails);
  expect(Buffer.compare(saved(loaded), saved(detector))).toBe(0);
  expect(await loaded.explain(faulty, [regionAt(6, 6)])).toEqual(
    await detector.explain(faulty, [regionAt(6, 6)]),
  );
  loaded.dispose();
});

test('a region comes with the image that its nearest patch is from, and the patch in it', async () => {
  const { regions } = await detector.predict(faulty);
  const explained = await expectNoNewTensors(() => detector.explain(faulty, regions));
  expect(explained.length).toBeGreaterThan(0);
  for (const { nearest } of explained) {
    const { image, area } = nearest.thumbnail!;
    expect(image).toMatchObject({ width: 16, height: 16, channels: 3 });
    const start = nearest.index * 768;
    expect(image.data).toEqual(detector.thumbnails!.data.slice(start, start + 768));
    // 40 pixels of the image are 16 here: the patch in whole pixels, rounded outwards.
    const scaled = (value: number): number => (value * 16) / 40;
    expect(Math.abs(area.left - scaled(nearest.area.left))).toBeLessThan(1.3);
    expect(Math.abs(area.top - scaled(nearest.area.top))).toBeLessThan(1.3);
    expect(Math.abs(area.width - scaled(nearest.area.width))).toBeLessThan(2);
    expect(Math.abs(area.height - scaled(nearest.area.height))).toBeLessThan(2);
  }
});

test('a threshold, a recalibration and lessons keep them; an image of a lesson has none', async () => {
  const loaded = await loadDetector(saved(detector), { teacher });
  loaded.threshold = 4;
  await recalibrate(loaded, sourceOf('normals', tinySource().samples.slice(0, 8)));
  const before = saved(loaded);
  await loaded.extend([faulty]);
  const taught = await loadDetector(saved(loaded), { teacher });
  expect(taught.thumbnails).toEqual(detector.thumbnails);
  const [explained] = await taught.explain(faulty, [regionAt(6, 6)]);
  expect(explained!.nearest).toMatchObject({ id: 'image 0', thumbnail: null });
  taught.forget();
  expect(Buffer.compare(saved(taught), before)).toBe(0);
  for (const each of [loaded, taught]) each.dispose();
});

test('altered copies share the thumbnail of their image', async () => {
  const augmentation = { flips: { horizontal: true } };
  const own = await trainDetector(bank({ input: { size: [32, 32], augmentation, copies: 3 } }));
  const { trainingImages, trainings } = own.description;
  const { images } = trainings[0]!;
  expect(trainingImages).toHaveLength(4 * images);
  expect(own.thumbnails!.data).toHaveLength(images * 768);
  const places = [3, 13, 23, 33].flatMap((x) => [3, 13, 23, 33].map((y) => regionAt(x, y)));
  const explained = await own.explain(faulty, places, { most: 16 });
  const copied = explained.find(({ nearest }) => nearest.index >= images)!.nearest;
  const start = (copied.index % images) * 768;
  expect(copied.thumbnail!.image.data).toEqual(own.thumbnails!.data.slice(start, start + 768));
  expect(copied.id).toBe(trainingImages![copied.index % images]!.id);
  const loaded = await loadDetector(saved(own), { teacher });
  expect(Buffer.compare(saved(loaded), saved(own))).toBe(0);
  for (const each of [own, loaded]) each.dispose();
});

test('on tiles a region is explained, too: image, place and thumbnail are of the whole image', async () => {
  const tiled = await trainDetector(bank({ input: { size: [64, 64], tiles: { size: 32, overlap: 8 } } }));
  expect(tiled.description.thumbnails).toEqual({ width: 16, height: 16 });
  const { samples } = tinySource();
  const { trainingImages } = tiled.description;
  const own = await samples.find(({ id }) => id === trainingImages![1]!.id)!.load();
  const explained = await tiled.explain(own, [regionAt(6, 6), regionAt(34, 34)]);
  for (const { nearest } of explained) {
    expect(nearest.id).toBe(trainingImages![nearest.index]!.id);
    const start = nearest.index * 768;
    expect(nearest.thumbnail!.image.data).toEqual(tiled.thumbnails!.data.slice(start, start + 768));
  }
  tiled.dispose();
});

describe('what is refused before an image is read', () => {
  const unread = (): ImageSource => {
    const { samples, ...source } = tinySource();
    const load = (): never => {
      throw new Error('An image was read.');
    };
    return { ...source, samples: samples.map((sample) => ({ ...sample, load })) };
  };

  test.each([15, 257, 20.5, NaN, -64])('a side of %d', async (thumbnails) => {
    await expect(trainDetector(bank({ source: unread(), thumbnails }))).rejects.toMatchObject({
      code: 'invalid-config',
      message: `Got thumbnails of ${thumbnails} pixels; wanted a whole number from 16 to 256.`,
    });
  });

  test.each([
    ['fre', {}],
    ['padim', { channels: 8 }],
    ['dskd', {}],
    ['rd', {}],
    ['instant', { local: null }],
  ])('a method that keeps no patches: %s %j', async (method, options) => {
    await expect(trainDetector(bank({ source: unread(), method, options }))).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining(`Got thumbnails of 16 pixels; the method ${method}`) as string,
      hint: expect.stringContaining('instant or patchcore') as string,
      details: { method, thumbnails: 16, keepsPatches: false },
    });
  });
});

test('of a method that does not say, the fitted model decides', async () => {
  const unsure = async (name: string): Promise<void> => {
    const known = await createMethod(name);
    registerMethod({
      name: `unsure-${name}`,
      load: () => Promise.resolve({ ...known, name: `unsure-${name}`, keepsPatches: undefined as never }),
    });
  };
  await unsure('patchcore');
  await unsure('fre');
  const kept = await trainDetector(bank({ method: 'unsure-patchcore' }));
  expect(kept.thumbnails).not.toBeNull();
  kept.dispose();
  const refused = bank({ method: 'unsure-fre', options: { components: 2 } });
  await expectNoNewTensors(() =>
    expect(trainDetector(refused)).rejects.toMatchObject({ code: 'invalid-config' }),
  );
});

test('an estimate counts their bytes, outside of the heaps', async () => {
  const without = await estimateTraining(bank({ thumbnails: undefined }));
  const withThem = await estimateTraining(bank());
  expect(withThem.bytes - without.bytes).toBe(withThem.images * 16 * 16 * 3);
  expect(withThem.memory.total - without.memory.total).toBe(withThem.images * 768);
  expect(withThem.memory.heaps).toEqual(without.memory.heaps);
  expect(withThem.memory.parts.at(-1)).toEqual({
    what: 'thumbnails',
    heap: 'host',
    bytes: withThem.images * 768,
  });
});

test('damaged files are refused, or explain without failing', async () => {
  const file = saved(detector);
  const use = async (bytes: Uint8Array): Promise<void> => {
    const damaged = await loadDetector(bytes, { teacher });
    try {
      for (const { nearest } of await damaged.explain(faulty, [regionAt(6, 6), regionAt(30, 20)])) {
        if (!nearest.thumbnail) continue;
        const { image, area } = nearest.thumbnail;
        expect(image.data).toHaveLength(image.width * image.height * 3);
        expect(area.left + area.width).toBeLessThanOrEqual(image.width);
        expect(area.top + area.height).toBeLessThanOrEqual(image.height);
      }
    } finally {
      damaged.dispose();
    }
  };
  const outcomes = [
    await useDamaged(100, (seed) => withDamagedDescription(file, 'dskd', seed), use),
    await useDamaged(60, (seed) => withDamagedBytes(file, seed), use),
  ];
  for (const { accepted, refused } of outcomes) {
    expect(accepted).toBeGreaterThan(0);
    expect(Object.keys(refused).length).toBeGreaterThan(1);
  }
});

test('making them can be aborted', async () => {
  const images = new PreparedImages(tinySource().samples, { width: 32, height: 32 });
  const stop = new AbortController();
  stop.abort();
  await expect(makeThumbnails(images, { width: 16, height: 16 }, stop.signal)).rejects.toMatchObject({
    code: 'aborted',
  });
});
