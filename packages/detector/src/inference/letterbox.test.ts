import '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { placement, PreparedImages, preparePixels, type ImageSource, type Sample } from '@dskd/data';
import { auroc } from '@dskd/metrics';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { brightness, brightnessDetector } from './brightness-detector.test.util.js';
import { calibrate } from '../calibration/calibrate.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { mapInImage } from './map-in-image.js';

beforeAll(() => useBackend('cpu'));

interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

function imageWith(
  width: number,
  height: number,
  squares: readonly (Square & { value: number })[],
): PixelBuffer {
  const data = new Uint8Array(width * height * 3).fill(20);
  for (const { left, top, side, value } of squares) {
    for (let y = top; y < top + side; y++)
      data.fill(value, (y * width + left) * 3, (y * width + left + side) * 3);
  }
  return { data, width, height, channels: 3 };
}

function maskWith(width: number, height: number, { left, top, side }: Square): PixelBuffer {
  const data = new Uint8Array(width * height);
  for (let y = top; y < top + side; y++) data.fill(255, y * width + left, y * width + left + side);
  return { data, width, height, channels: 1 };
}

const inputSize = [20, 20] as const;
const network = { height: 20, width: 20 };
const letterboxed = { ...network, fit: 'letterbox', fill: [255, 255, 255] } as const;

// Width and height of the image, and where its bright square is: wide, tall, square, small, odd.
const SCENES: [number, number, Square][] = [
  [80, 40, { left: 40, top: 8, side: 12 }],
  [40, 80, { left: 4, top: 60, side: 12 }],
  [60, 60, { left: 30, top: 6, side: 12 }],
  [10, 6, { left: 6, top: 1, side: 3 }],
  [97, 31, { left: 70, top: 5, side: 18 }],
];

describe.each(SCENES)('a bright square in an image of %i x %i at %o', (width, height, square) => {
  const image = imageWith(width, height, [{ ...square, value: 250 }]);
  const placed = placement(image, network, 'letterbox');
  // One pixel of the network's input, in pixels of the image.
  const grain = Math.max(width / placed.content.width, height / placed.content.height);

  test('its region is where it is in the image', async () => {
    const detector = brightnessDetector({ inputSize });
    const prediction = await expectNoNewTensors(() => detector.predict(image));
    expect(prediction.regions).toHaveLength(1);
    const { box, peak, area } = prediction.regions[0]!;
    expect(Math.abs(box.left - square.left)).toBeLessThanOrEqual(grain);
    expect(Math.abs(box.top - square.top)).toBeLessThanOrEqual(grain);
    expect(Math.abs(box.left + box.width - square.left - square.side)).toBeLessThanOrEqual(grain);
    expect(Math.abs(box.top + box.height - square.top - square.side)).toBeLessThanOrEqual(grain);
    expect(peak.x).toBeGreaterThanOrEqual(square.left - grain);
    expect(peak.x).toBeLessThan(square.left + square.side + grain);
    expect(Math.abs(Math.sqrt(area) - square.side)).toBeLessThanOrEqual(grain);
  });

  test('its heat map is there, too, to a fraction of a pixel', async () => {
    const detector = brightnessDetector({ inputSize });
    const prediction = await detector.predict(image);
    const { data, ...size } = mapInImage(prediction, image);
    expect(size).toEqual({ width, height });
    const ground = 20 / 255;
    let [sum, sumX, sumY] = [0, 0, 0];
    data.forEach((value, i) => {
      const heat = Math.max(value - ground - 0.01, 0);
      sum += heat;
      sumX += heat * ((i % width) + 0.5);
      sumY += heat * (Math.floor(i / width) + 0.5);
    });
    expect(Math.abs(sumX / sum - square.left - square.side / 2)).toBeLessThan(grain / 4);
    expect(Math.abs(sumY / sum - square.top - square.side / 2)).toBeLessThan(grain / 4);
  });

  test('the white border is in no score, no region and no heat map', async () => {
    const dark = imageWith(width, height, []);
    const detector = brightnessDetector({ inputSize, sigma: 1.3 });
    const prediction = await detector.predict(dark);
    expect(prediction.score).toBeCloseTo(20 / 255, 5);
    expect(prediction.branches.brightness!.score).toBeCloseTo(20 / 255, 5);
    expect(prediction.verdict).toBe('normal');
    expect(prediction.regions).toEqual([]);
    expect(prediction.ignored).toEqual(placed.border());
    expect(prediction.content).toEqual(placed.content);
    expect(Math.max(...prediction.map.data)).toBe(prediction.score);
    for (const value of mapInImage(prediction, dark).data) expect(value).toBeCloseTo(20 / 255, 5);
  });
});

test('statistics and scores of calibration are those of the images without their borders', async () => {
  const images = SCENES.map(([width, height, square]) =>
    imageWith(width, height, [{ ...square, value: 250 }]),
  );
  const samples = images.map((image, index) => ({
    id: `${index}`,
    load: () => Promise.resolve(image),
  }));
  const counting = images.map((image) => {
    const border = placement(image, network, 'letterbox').border();
    const prepared = preparePixels(image, letterboxed);
    return Array.from({ length: 400 }, (_, i) => i)
      .filter((i) => !border?.[i])
      .map((i) => prepared.data[i * 3]! / 255);
  });
  const all = counting.flat();
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
  for (const batchSize of [1, 3, 8]) {
    const { normalizations, scores } = await expectNoNewTensors(() =>
      calibrate(
        brightness,
        { sigma: 0, normalization: 'moments', rule: 'sum', weights: {} },
        new PreparedImages(samples, letterboxed),
        { batchSize },
      ),
    );
    expect(normalizations.get('brightness')!.offset).toBeCloseTo(mean, 6);
    expect(normalizations.get('brightness')!.scale).toBeCloseTo(deviation, 6);
    scores.forEach((score, i) =>
      expect(score).toBeCloseTo((Math.max(...counting[i]!) - mean) / deviation, 4),
    );
  }
});

function sampleOf(index: number, image: PixelBuffer, mask: PixelBuffer | undefined): Sample {
  return {
    id: `test/${index}.png`,
    split: 'test',
    label: mask ? 'anomalous' : 'good',
    defectType: mask ? 'spot' : 'good',
    load: () => Promise.resolve(image),
    ...(mask && { loadMask: () => Promise.resolve(mask) }),
  };
}

function sourceOf(samples: readonly Sample[]): ImageSource {
  return { name: 'made up', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
}

test('an evaluation measures maps where the image is; the border counts for nothing', async () => {
  const samples = SCENES.flatMap(([width, height, square], index) => [
    sampleOf(2 * index, imageWith(width, height, []), undefined),
    sampleOf(
      2 * index + 1,
      imageWith(width, height, [{ ...square, value: 250 }]),
      maskWith(width, height, square),
    ),
  ]);
  const detector = brightnessDetector({ inputSize });
  const result = await evaluateDetector(detector, sourceOf(samples));
  expect(result.fused.imageAuroc).toBe(1);
  // Edges of the square are blurred where the image is larger than the network's input.
  const [scores, labels]: [number[], number[]] = [[], []];
  for (const sample of samples) {
    const loaded = await sample.load();
    const prediction = await detector.predict(loaded);
    const map = mapInImage(prediction, loaded).data;
    scores.push(...map);
    labels.push(...((await sample.loadMask?.())?.data ?? map).map((value) => (value === 255 ? 1 : 0)));
  }
  expect(result.fused.pixelAuroc).toBeCloseTo(auroc(scores, labels), 12);
  expect(result.fused.pixelAuroc).toBeGreaterThan(0.9995);
  expect(result.branches.brightness!.pixelAuroc).toBe(result.fused.pixelAuroc);
  // The same with the masks half an image away: the test above can fail.
  const shifted = samples.map((sample) =>
    sample.loadMask
      ? {
          ...sample,
          loadMask: async () => {
            const { width, height } = await sample.load();
            return maskWith(width, height, { left: 0, top: 0, side: 4 });
          },
        }
      : sample,
  );
  const wrong = await evaluateDetector(brightnessDetector({ inputSize }), sourceOf(shifted));
  expect(wrong.fused.pixelAuroc).toBeLessThan(0.9);
});

test('a squeezed image has no border', async () => {
  const image = imageWith(80, 40, [{ left: 40, top: 8, side: 12, value: 250 }]);
  const prediction = await brightnessDetector({ inputSize, fit: 'stretch' }).predict(image);
  expect(prediction.content).toEqual({ left: 0, top: 0, width: 20, height: 20 });
  expect(prediction.ignored).toBeNull();
});

test('a score depends neither on the batch nor on the borders of its neighbors', async () => {
  const detector = brightnessDetector({ inputSize, sigma: 1.3 });
  const images = SCENES.map(([width, height, square]) =>
    imageWith(width, height, [{ ...square, value: 250 }]),
  );
  const together = await detector.predict(images);
  const alone = await detector.predict(images, { batchSize: 1 });
  expect(alone).toEqual(together);
});
