import '@tensorflow/tfjs';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { PreparedImages, preparePixels, type ImageSource, type Sample } from '@dskd/data';
import { auroc } from '@dskd/metrics';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import fc from 'fast-check';
import { brightness, brightnessDetector } from './brightness-detector.test.util.js';
import { calibrate } from '../calibration/calibrate.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';

beforeAll(() => useBackend('cpu'));

const [HEIGHT, WIDTH] = [6, 8];
const inputSize = [HEIGHT, WIDTH] as const;
const size = { height: HEIGHT, width: WIDTH };

/** An image of network size, so that the oracle needs no resizing. */
function imageOf(values: Uint8Array): PixelBuffer {
  const data = Uint8Array.from({ length: values.length * 3 }, (_, i) => values[Math.floor(i / 3)]!);
  return { data, width: WIDTH, height: HEIGHT, channels: 3 };
}

function maskOf(values: Uint8Array): PixelBuffer {
  return { data: values, width: WIDTH, height: HEIGHT, channels: 1 };
}

const pixels = fc.uint8Array({ minLength: HEIGHT * WIDTH, maxLength: HEIGHT * WIDTH });
/** 0 counts, anything else does not; some pixel counts. */
const masks = fc
  .array(fc.constantFrom(0, 0, 1, 255), { minLength: HEIGHT * WIDTH, maxLength: HEIGHT * WIDTH })
  .filter((values) => values.includes(0))
  .map((values) => Uint8Array.from(values));

test('score, map and regions are those of the pixels that count: a slow oracle', async () => {
  await fc.assert(
    fc.asyncProperty(pixels, masks, masks, async (values, own, given) => {
      const counts = (i: number): boolean => own[i] === 0 && given[i] === 0;
      const counting = [...values].filter((_, i) => counts(i));
      if (counting.length === 0) return;
      const detector = brightnessDetector({
        inputSize,
        fit: 'stretch',
        ignored: own.map((v) => (v ? 1 : 0)),
      });
      const prediction = await detector.predict(imageOf(values), { ignored: maskOf(given) });
      const sameAtNetworkSize = await detector.predict(imageOf(values), { ignored: given });
      expect(sameAtNetworkSize).toEqual(prediction);
      expect(prediction.score).toBeCloseTo(Math.max(...counting) / 255, 6);
      expect(prediction.verdict).toBe(prediction.score > 0.5 ? 'anomalous' : 'normal');
      const lowest = Math.min(...counting) / 255;
      prediction.map.data.forEach((value, i) =>
        expect(value).toBeCloseTo(counts(i) ? values[i]! / 255 : lowest, 6),
      );
      const above = counting.filter((value) => value / 255 > 0.5).length;
      expect(prediction.regions.reduce((sum, { area }) => sum + area, 0)).toBe(above);
      expect([...(prediction.ignored ?? new Uint8Array(HEIGHT * WIDTH))]).toEqual(
        Array.from(values, (_, i) => (counts(i) ? 0 : 1)),
      );
    }),
    { numRuns: 40 },
  );
});

test('nothing that is ignored reaches out of it, not through the Gaussian either', async () => {
  const values = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => 40 + ((i * 37) % 60));
  const mask = Uint8Array.from(values, (_, i) => (i % WIDTH < 3 ? 1 : 0));
  const poisoned = values.map((value, i) => (mask[i] ? 255 : value));
  const detector = brightnessDetector({ inputSize, fit: 'stretch', sigma: 1.5 });
  const ignored = maskOf(mask);
  const clean = await detector.predict(imageOf(values), { ignored });
  const dirty = await detector.predict(imageOf(poisoned), { ignored });
  const open = await detector.predict(imageOf(poisoned));
  expect(dirty).toEqual(clean);
  expect(open.score).toBeGreaterThan(clean.score);
});

test('calibration leaves the ignored pixels out of mean, deviation and scores', async () => {
  const images = [1, 2, 3].map((n) =>
    Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i * 31 * n + n) % 200),
  );
  const mask = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const samples = images.map((values, index) => ({
    id: `${index}`,
    load: () => Promise.resolve(imageOf(values.map((value, i) => (mask[i] ? 255 : value)))),
  }));
  const counting = images.map((values) => [...values].filter((_, i) => !mask[i]).map((v) => v / 255));
  const all = counting.flat();
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
  const { normalizations, scores, branchScores } = await expectNoNewTensors(() =>
    calibrate(
      brightness,
      { sigma: 0, normalization: 'moments', rule: 'sum', weights: {} },
      new PreparedImages(samples, size),
      {
        batchSize: 2,
        ignored: mask,
      },
    ),
  );
  expect(normalizations.get('brightness')!.offset).toBeCloseTo(mean, 6);
  expect(normalizations.get('brightness')!.scale).toBeCloseTo(deviation, 6);
  scores.forEach((score, i) => expect(score).toBeCloseTo((Math.max(...counting[i]!) - mean) / deviation, 4));
  expect(branchScores.get('brightness')).toEqual(scores);
});

test('an evaluation leaves them out of scores and pixel AUROC', async () => {
  // Good images glare in a corner; the defect is fainter, and elsewhere.
  const glare = (i: number): boolean => i % WIDTH < 2 && i < 2 * WIDTH;
  const defect = (i: number): boolean => i % WIDTH > 5 && i >= 4 * WIDTH;
  const ground = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (glare(i) ? 240 : 10 + (i % 7)));
  const sample = (index: number, anomalous: boolean): Sample => {
    const image = imageOf(ground.map((value, i) => (anomalous && defect(i) ? 90 + index : value)));
    return {
      id: `test/${index}.png`,
      split: 'test',
      label: anomalous ? 'anomalous' : 'good',
      defectType: anomalous ? 'spot' : 'good',
      load: () => Promise.resolve(image),
      ...(anomalous && {
        loadMask: () => Promise.resolve(maskOf(ground.map((_, i) => (defect(i) ? 9 : 0)))),
      }),
    };
  };
  const source: ImageSource = {
    name: 'glare',
    samples: [0, 1, 2].map((i) => sample(i, false)).concat([3, 4].map((i) => sample(i, true))),
    fingerprint: () => Promise.resolve('0'.repeat(64)),
  };
  const glareMask = Uint8Array.from(ground, (_, i) => (glare(i) ? 1 : 0));

  const plain = await evaluateDetector(brightnessDetector({ inputSize, fit: 'stretch' }), source);
  expect(plain.fused.imageAuroc).toBe(0.5);
  const negatives: number[] = [];
  for (const each of source.samples) {
    const { data } = preparePixels(await each.load(), size);
    for (let i = 0; i < HEIGHT * WIDTH; i++) {
      if (each.label === 'good' || !defect(i)) negatives.push(data[i * 3]!);
    }
  }
  const positives = [93, 94].flatMap((value) =>
    Array<number>([...ground.keys()].filter(defect).length).fill(value),
  );
  const labels = [...negatives.map(() => 0), ...positives.map(() => 1)];
  expect(plain.fused.pixelAuroc).toBeCloseTo(auroc([...negatives, ...positives], labels), 12);
  expect(plain.fused.pixelAuroc).toBeLessThan(1);

  const masked = await evaluateDetector(brightnessDetector({ inputSize, fit: 'stretch' }), source, {
    ignored: maskOf(glareMask),
  });
  const recorded = await evaluateDetector(
    brightnessDetector({ inputSize, fit: 'stretch', ignored: glareMask }),
    source,
  );
  for (const { fused, branches, atThreshold } of [masked, recorded]) {
    expect(fused.imageAuroc).toBe(1);
    expect(fused.pixelAuroc).toBe(1);
    expect(branches.brightness!.pixelAuroc).toBe(1);
    expect(atThreshold.falseAlarms).toBe(0);
  }
});

test.each(['stretch', 'letterbox'] as const)(
  'pixel AUROC (%s) is that of the pixels that count',
  async (fit) => {
    // As wide as the network's input: the letterbox adds rows and resizes nothing.
    const height = fit === 'stretch' ? HEIGHT : 3;
    const random = randomStream(4, 'pixels', fit);
    const bytes = (): Uint8Array =>
      Uint8Array.from({ length: WIDTH * height }, () => Math.floor(256 * random.uniform()));
    const defects = bytes().map((value) => (value < 90 ? 1 : 0));
    const out = bytes().map((value) => (value < 80 ? 1 : 0));
    const images = [bytes(), bytes()];
    const samples = images.map((values, index): Sample => {
      const image = { ...imageOf(values), height };
      return {
        id: `test/${index}.png`,
        split: 'test',
        label: index === 0 ? 'good' : 'anomalous',
        defectType: index === 0 ? 'good' : 'spot',
        load: () => Promise.resolve(image),
        ...(index === 1 && { loadMask: () => Promise.resolve({ ...maskOf(defects), height }) }),
      };
    });
    const source = { name: 'random', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
    const { fused, branches } = await evaluateDetector(brightnessDetector({ inputSize, fit }), source, {
      ignored: { ...maskOf(out), height },
    });
    const counting = [...out.keys()].filter((i) => out[i] === 0);
    const wanted = auroc(
      images.flatMap((values) => counting.map((i) => values[i]!)),
      images.flatMap((_, index) => counting.map((i) => (index === 1 ? defects[i]! : 0))),
    );
    expect(fused.pixelAuroc).toBeCloseTo(wanted, 12);
    expect(branches.brightness!.pixelAuroc).toBeCloseTo(wanted, 12);
  },
);

test('masks that make no sense are refused, and leave no tensors', async () => {
  const image = imageOf(new Uint8Array(HEIGHT * WIDTH));
  const squeezed = brightnessDetector({ inputSize, fit: 'stretch' });
  const letterboxed = brightnessDetector({ inputSize });
  const mask = (width: number, height: number, channels = 1, value = 0): PixelBuffer => ({
    data: new Uint8Array(width * height * channels).fill(value),
    width,
    height,
    channels,
  });
  await expectNoNewTensors(async () => {
    await expect(squeezed.predict(image, { ignored: new Uint8Array(7) })).rejects.toMatchObject({
      code: 'input-size-mismatch',
    });
    await expect(squeezed.predict(image, { ignored: mask(WIDTH, HEIGHT, 3) })).rejects.toMatchObject({
      code: 'shape-mismatch',
    });
    await expect(squeezed.predict(image, { ignored: mask(4, 4, 1, 1) })).rejects.toThrow(
      'covers every pixel',
    );
    // In a letterbox a mask of other proportions would lie elsewhere than the image; squeezed it would not.
    await expect(letterboxed.predict(image, { ignored: mask(5, 5) })).rejects.toThrow('same proportions');
    await expect(squeezed.predict([image], { ignored: mask(5, 5) })).resolves.toHaveLength(1);
    // The mask leaves a strip that a letterbox of a wide image has no content in.
    const border = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i < WIDTH ? 0 : 1));
    const wide = { data: new Uint8Array(8 * 2 * 3), width: 8, height: 2, channels: 3 };
    await expect(letterboxed.predict(wide, { ignored: border })).rejects.toThrow('covers every pixel');
  });
});
