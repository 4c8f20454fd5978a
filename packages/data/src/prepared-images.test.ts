import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { DskdError, isDskdError, type PixelBuffer } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { preparePixels, toImageTensor } from './prepare.js';
import { PreparedImages } from './prepared-images.js';

beforeAll(() => useBackend('cpu'));

/** Samples where image `index` has gray level `index`, with counters of reads and of concurrent reads. */
function countingSamples(count: number): {
  samples: { id: string; load(): Promise<PixelBuffer> }[];
  loads: number[];
  mostAtATime: () => number;
} {
  const loads = Array<number>(count).fill(0);
  let now = 0;
  let most = 0;
  const samples = loads.map((_, index) => ({
    id: String(index),
    async load() {
      loads[index]!++;
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now--;
      return { data: new Uint8Array(6 * 4 * 3).fill(index), width: 6, height: 4, channels: 3 };
    },
  }));
  return { samples, loads, mostAtATime: () => most };
}

const size = { height: 2, width: 2 };
const BYTES = 12;

async function grayLevels(images: PreparedImages, indices: readonly number[]): Promise<number[]> {
  return (await images.images(indices)).map(({ data }) => data[0]!);
}

test('a batch contains the prepared images in the requested order, as one tensor', async () => {
  const { samples } = countingSamples(4);
  const images = new PreparedImages(samples, size);
  await expectNoNewTensors(async () => {
    const batch = await images.batch([3, 0, 3]);
    const loaded = await Promise.all([3, 0, 3].map((index) => samples[index]!.load()));
    const wanted = toImageTensor(loaded.map((image) => preparePixels(image, size)));
    expect(batch.shape).toEqual([3, 2, 2, 3]);
    expect(await batch.data()).toEqual(await wanted.data());
    tf.dispose([batch, wanted]);
  });
});

test('a second epoch does not decode again', async () => {
  const { samples, loads } = countingSamples(6);
  const images = new PreparedImages(samples, size);
  for (let epoch = 0; epoch < 3; epoch++) {
    expect(await grayLevels(images, [5, 4, 3])).toEqual([5, 4, 3]);
    expect(await grayLevels(images, [0, 1, 2])).toEqual([0, 1, 2]);
  }
  expect(loads).toEqual([1, 1, 1, 1, 1, 1]);
  expect(images.cachedBytes).toBe(6 * BYTES);
});

test('the cache is bounded, and its images are not evicted', async () => {
  const { samples, loads } = countingSamples(4);
  const images = new PreparedImages(samples, { ...size, cacheBytes: 2 * BYTES + 11 });
  for (let epoch = 0; epoch < 3; epoch++) await grayLevels(images, [0]);
  for (let epoch = 0; epoch < 3; epoch++) await grayLevels(images, [1, 2, 3]);
  expect(images.cachedBytes).toBe(2 * BYTES);
  expect(loads[0]).toBe(1);
  expect([...loads].sort()).toEqual([1, 1, 3, 3]);
});

test('refuses an image with a side below leastSide, with its name and size', async () => {
  const { samples } = countingSamples(2);
  const images = new PreparedImages(samples, { ...size, leastSide: 5 });
  await expect(images.batch([1])).rejects.toMatchObject({
    code: 'dataset-invalid',
    message: '1 has 6 x 4 pixels; wanted at least 5 x 5.',
  });
  const batch = await new PreparedImages(samples, { ...size, leastSide: 4 }).batch([1]);
  expect(batch.shape).toEqual([1, 2, 2, 3]);
  batch.dispose();
});

test('cacheBytes 0 caches nothing', async () => {
  const { samples, loads } = countingSamples(1);
  const images = new PreparedImages(samples, { ...size, cacheBytes: 0 });
  await grayLevels(images, [0]);
  await grayLevels(images, [0]);
  expect(loads).toEqual([2]);
  expect(images.cachedBytes).toBe(0);
});

test.each([1, 3])('reads at most %i images at a time', async (concurrency) => {
  const { samples, mostAtATime } = countingSamples(10);
  const images = new PreparedImages(samples, { ...size, concurrency });
  images.prefetch([9, 8]);
  expect(await grayLevels(images, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(mostAtATime()).toBe(concurrency);
});

test.each([0, 1000])('a prefetched image is not read again (cache of %i bytes)', async (cacheBytes) => {
  const { samples, loads } = countingSamples(4);
  const images = new PreparedImages(samples, { ...size, cacheBytes });
  images.prefetch([2, 1]);
  images.prefetch([1, 2, 3]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(loads).toEqual([0, 1, 1, 1]);
  expect(await grayLevels(images, [3, 2, 1])).toEqual([3, 2, 1]);
  expect(loads).toEqual([0, 1, 1, 1]);
});

test('an unreadable image fails the batch that needs it, not the prefetch', async () => {
  const broken = { id: 'x', load: () => Promise.reject(new Error('broken')) };
  const images = new PreparedImages([broken], size);
  images.prefetch([0]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await expectNoNewTensors(() => expect(images.batch([0])).rejects.toThrow('broken'));
  // A later batch tries again.
  await expect(images.batch([0])).rejects.toThrow('broken');
});

test('an abort stops reads that have not started', async () => {
  const { samples, loads } = countingSamples(8);
  const images = new PreparedImages(samples, { ...size, concurrency: 1 });
  const controller = new AbortController();
  const work = images.batch([0, 1, 2, 3, 4, 5, 6, 7], { signal: controller.signal });
  controller.abort();
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(isDskdError(error, 'aborted')).toBe(true);
  expect(loads.reduce((a, b) => a + b)).toBe(1);
  // The images can still be read afterwards.
  expect(await grayLevels(images, [7])).toEqual([7]);
});

test('throws for invalid numbers', async () => {
  const { samples } = countingSamples(2);
  for (const options of [{ height: 0 }, { width: 1.5 }, { concurrency: 0 }, { cacheBytes: Number.NaN }]) {
    expect(() => new PreparedImages(samples, { ...size, ...options })).toThrow('wanted positive integers');
  }
  const images = new PreparedImages(samples, size);
  expect(images.length).toBe(2);
  for (const index of [-1, 2, 0.5]) {
    await expect(images.batch([index])).rejects.toThrow(`Got sample ${index}; there are 2`);
    expect(() => images.prefetch([index])).toThrow('there are 2');
  }
});

test('reading all: every image once, what fits is not decoded again, problems in order of the samples', async () => {
  const { samples, loads } = countingSamples(5);
  const broken = samples.map((sample, index) =>
    index % 2 === 1
      ? {
          ...sample,
          origin: { file: `/parts/${index}.png`, sha256: '' },
          load: () => Promise.reject(new DskdError('image-unreadable', `/parts/${index}.png: it is empty.`)),
        }
      : sample,
  );
  const images = new PreparedImages(broken, size);
  const read: number[][] = [];
  const problems = await images.readAll({ onRead: (index, { data }) => void read.push([index, data[0]!]) });
  expect(problems).toEqual([
    { path: '1', problem: 'it is empty' },
    { path: '3', problem: 'it is empty' },
  ]);
  expect(read).toEqual([
    [0, 0],
    [2, 2],
    [4, 4],
  ]);
  await images.images([0, 2, 4]);
  expect(loads).toEqual([1, 0, 1, 0, 1]);
});

test('reading all: an error of no single image, and one of the caller, end it; an abort reads no further', async () => {
  const failing = (error: Error): PreparedImages =>
    new PreparedImages([{ id: 'a', load: () => Promise.reject(error) }], size);
  await expect(failing(new DskdError('dependency-missing', 'no sharp')).readAll()).rejects.toMatchObject({
    code: 'dependency-missing',
  });
  await expect(failing(new TypeError('a bug')).readAll()).rejects.toThrow('a bug');
  const { samples, loads } = countingSamples(9);
  const stop = new AbortController();
  const all = new PreparedImages(samples, size).readAll({ signal: stop.signal, onRead: () => stop.abort() });
  await expect(all).rejects.toMatchObject({ code: 'aborted' });
  expect(loads.reduce((sum, each) => sum + each)).toBeLessThan(5);
});

test('keeps the positions of images, not their pixels', async () => {
  const collect = runInNewContext('gc') as () => void;
  const read: WeakRef<Uint8Array>[] = [];
  const load = (): Promise<PixelBuffer> => {
    const data = new Uint8Array(3 * 64 * 64);
    read.push(new WeakRef(data));
    return Promise.resolve({ data, width: 64, height: 64, channels: 3 });
  };
  const images = new PreparedImages(
    [0, 1, 2].map((index) => ({ id: `${index}.png`, load })),
    { ...size, cacheBytes: 1000 },
  );
  expect(await images.readAll()).toEqual([]);
  // What was awaited just now is still held by the engine.
  await new Promise((resolve) => setTimeout(resolve, 10));
  collect();
  expect(read.map((data) => data.deref() !== undefined)).toEqual([false, false, false]);
  const [placement] = await images.placements([0]);
  expect(placement!.toImage({ x: 1, y: 1 })).toEqual({ x: 32, y: 32 });
});
