import '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Detector } from './detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { loadDetector } from '../artifact/load-detector.js';
import type { Teacher } from '@dskd/models';

let teacher: Teacher;
let detector: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
  detector = await loadDetector(fixtureBytes(1), { teacher });
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

/** The image as a canvas would give it; `alpha` everywhere. */
function imageData({ data, width, height }: PixelBuffer, alpha = 255) {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(alpha);
  data.forEach((value, index) => (rgba[Math.floor(index / 3) * 4 + (index % 3)] = value));
  return { data: rgba, width, height };
}

const black: PixelBuffer = { data: new Uint8Array(32 * 32 * 3), width: 32, height: 32, channels: 3 };

test('an ImageData is the image it shows', async () => {
  const image = fixtureImage(7, true);
  const wanted = await detector.predict(image);
  const got = await expectNoNewTensors(() => detector.predict(imageData(image)));
  expect(got).toEqual(wanted);
});

test('what is transparent is black', async () => {
  const wanted = await detector.predict(black);
  const got = await detector.predict(imageData(fixtureImage(7, true), 0));
  expect(got).toEqual(wanted);
});

test('a batch may hold any of them, and gray', async () => {
  const gray = { data: new Uint8Array(32 * 32).fill(99), width: 32, height: 32, channels: 1 };
  const rgb = { ...gray, data: new Uint8Array(32 * 32 * 3).fill(99), channels: 3 };
  const image = fixtureImage(7, true);
  const [first, second, third, fourth] = await detector.predict([gray, rgb, imageData(image), image]);
  expect(first).toEqual(second);
  expect(third).toEqual(fourth);
  expect(await detector.predict([])).toEqual([]);
});

test.each([
  ['two channels', { ...black, data: new Uint8Array(32 * 32 * 2), channels: 2 }, 'shape-mismatch'],
  ['too few bytes', { ...black, data: new Uint8Array(5) }, 'invalid-argument'],
])('%s: refused, and no tensor stays', async (_, image, code) => {
  await expectNoNewTensors(() => expect(detector.predict([black, image])).rejects.toMatchObject({ code }));
});

test.each([0, -1, 0.5, NaN])('a batch size of %d is refused', async (batchSize) => {
  await expect(detector.predict(black, { batchSize })).rejects.toMatchObject({ code: 'invalid-argument' });
});

test('an ignore mask of another size is refused by name', async () => {
  const ignored = new Uint8Array(31 * 32);
  await expectNoNewTensors(() =>
    expect(detector.predict(black, { ignored })).rejects.toMatchObject({ code: 'input-size-mismatch' }),
  );
});

test('a mask that leaves nothing is refused, and no tensor stays', async () => {
  const ignored = new Uint8Array(32 * 32).fill(1);
  await expectNoNewTensors(() =>
    expect(detector.predict(black, { ignored })).rejects.toMatchObject({ code: 'invalid-argument' }),
  );
});

describe('predictEach', () => {
  const images = Array.from({ length: 5 }, (_, index) => fixtureImage(index, index % 2 === 1));

  async function* frames(): AsyncGenerator<PixelBuffer, void, undefined> {
    for (const image of images) {
      await Promise.resolve();
      yield image;
    }
  }

  test.each([
    ['an async iterable', frames],
    ['a list', () => images],
    ['a generator', () => images.values()],
  ])('of %s gives what predict gives, in order', async (_, make) => {
    const wanted = await detector.predict(images);
    const got = await expectNoNewTensors(async () => {
      const list = [];
      for await (const prediction of detector.predictEach(make())) list.push(prediction);
      return list;
    });
    expect(got).toEqual(wanted);
  });

  test('options reach each prediction', async () => {
    for await (const { verdict, threshold } of detector.predictEach(frames(), { threshold: 1e9 })) {
      expect([verdict, threshold]).toEqual(['normal', 1e9]);
    }
  });

  test('leaving early leaves no tensors and ends the images', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<PixelBuffer, void, undefined> {
      try {
        for (;;) {
          await Promise.resolve();
          yield images[0]!;
        }
      } finally {
        ended = true;
      }
    }
    await expectNoNewTensors(async () => {
      for await (const prediction of detector.predictEach(endless())) {
        expect(prediction.verdict).toBeDefined();
        break;
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ended).toBe(true);
  });

  test('a signal ends it', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const { score } of detector.predictEach(frames(), { signal: stop.signal })) {
        seen.push(score);
        stop.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toHaveLength(1);
  });

  test.each([-1, 1.5])('a prefetch of %d is refused', async (prefetch) => {
    await expect(detector.predictEach(frames(), { prefetch }).next()).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});
