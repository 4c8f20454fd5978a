import * as tf from '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { preparePixels, toImageTensor } from './prepare.js';
import { PreparedImages } from './prepared-images.js';
import { augment, type Augmentation } from './transforms/augmentation.js';
import { noise } from './transforms/images.test.util.js';
import { placement } from './transforms/placement.js';

beforeAll(() => useBackend('cpu'));

const augmentation: Augmentation = {
  flips: { horizontal: true, vertical: true },
  rotation: { degrees: 10 },
  colorJitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4 },
};
const network = { width: 8, height: 8 };
const options = {
  ...network,
  fit: 'letterbox',
  fill: [9, 9, 9],
  augment: { augmentation, seed: 6 },
} as const;

/** Images of 16 x 8 and 8 x 16 in turn, and the number of times each was read. */
function world(count: number): { samples: { id: string; load(): Promise<PixelBuffer> }[]; loads: number[] } {
  const loads = Array<number>(count).fill(0);
  const samples = loads.map((_, index) => ({
    id: `train/${index}.png`,
    load() {
      loads[index]!++;
      return Promise.resolve(index % 2 === 0 ? noise(16, 8) : noise(8, 16));
    },
  }));
  return { samples, loads };
}

/** The expected result: resized to its part of the letterbox, augmented there, then padded. */
function wanted(index: number, epoch: number): PixelBuffer {
  const inner = index % 2 === 0 ? { width: 8, height: 4 } : { width: 4, height: 8 };
  const small = preparePixels(index % 2 === 0 ? noise(16, 8) : noise(8, 16), inner);
  const varied = augment(small, augmentation, { seed: 6, epoch, sample: `train/${index}.png` });
  return preparePixels(varied, { ...network, fit: 'letterbox', fill: [9, 9, 9] });
}

test('a batch is augmented by seed, epoch and id, inside the letterbox', async () => {
  const { samples } = world(4);
  const images = new PreparedImages(samples, options);
  await expectNoNewTensors(async () => {
    const batch = await images.batch([2, 1], { epoch: 3 });
    const stacked = toImageTensor([wanted(2, 3), wanted(1, 3)]);
    expect(await batch.data()).toEqual(await stacked.data());
    tf.dispose([batch, stacked]);
  });
  const [varied] = await images.images([2], { epoch: 4 });
  expect(varied).toEqual(wanted(2, 4));
  expect(varied).not.toEqual(wanted(2, 3));
});

test.each([0, 50, 10_000])(
  'gives the same result in any order, with a cache of %i bytes',
  async (cacheBytes) => {
    const { samples } = world(5);
    const images = new PreparedImages(samples, { ...options, cacheBytes });
    images.prefetch([4, 0]);
    const asked = [
      [4, 1],
      [0, 0],
      [3, 1],
      [1, 0],
      [4, 1],
    ] as const;
    for (const [index, epoch] of asked) {
      expect(await images.images([index], { epoch })).toEqual([wanted(index, epoch)]);
    }
  },
);

test('caches images before augmentation, without the border', async () => {
  const { samples, loads } = world(3);
  const images = new PreparedImages(samples, options);
  for (let epoch = 0; epoch < 3; epoch++) await images.images([0, 1, 2], { epoch });
  expect(loads).toEqual([1, 1, 1]);
  expect(images.cachedBytes).toBe(3 * 8 * 4 * 3);
});

test('images are unchanged without an epoch or without an augmentation', async () => {
  const { samples } = world(2);
  const asTheyAre = preparePixels(noise(16, 8), { ...network, fit: 'letterbox', fill: [9, 9, 9] });
  expect(await new PreparedImages(samples, options).images([0])).toEqual([asTheyAre]);
  const plain = new PreparedImages(samples, { ...options, augment: undefined });
  expect(await plain.images([0], { epoch: 5 })).toEqual([asTheyAre]);
});

test('placements are known after the first read, for any cache size', async () => {
  const { samples, loads } = world(2);
  const images = new PreparedImages(samples, { ...options, cacheBytes: 0 });
  await images.images([1], { epoch: 0 });
  const placements = await images.placements([1, 0, 1]);
  expect(placements.map(({ content }) => content)).toEqual(
    [noise(8, 16), noise(16, 8), noise(8, 16)].map((image) => placement(image, network, 'letterbox').content),
  );
  await images.placements([0, 1]);
  expect(loads).toEqual([1, 1]);
  await expect(images.placements([2])).rejects.toThrow('there are 2');
});

test('refuses an invalid augmentation or fill in the constructor', () => {
  const { samples } = world(1);
  const wrong = { augmentation: { rotation: { degrees: 400 } }, seed: 1 };
  expect(() => new PreparedImages(samples, { ...network, augment: wrong })).toThrow('degrees is 400');
  expect(() => new PreparedImages(samples, { ...network, fill: [1, 2, 300] })).toThrow('three whole numbers');
});
