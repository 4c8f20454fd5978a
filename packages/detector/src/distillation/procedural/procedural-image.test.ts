import { randomStream } from '@dskd/base';
import { proceduralImage, PROCEDURAL_FAMILIES } from './procedural-image.js';

const SIZE = 48;

function draw(seed: number, family?: (typeof PROCEDURAL_FAMILIES)[number]): Uint8Array | Uint8ClampedArray {
  const { data, width, height, channels } = proceduralImage(
    randomStream(seed, 'test'),
    SIZE,
    family && { family },
  );
  expect([data.length, width, height, channels]).toEqual([SIZE * SIZE * 3, SIZE, SIZE, 3]);
  return data;
}

function deviation(data: ArrayLike<number>): number {
  const values = Array.from(data);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe.each(PROCEDURAL_FAMILIES)('%s', (family) => {
  test('the same stream gives the same bytes, another another image', () => {
    expect(draw(1, family)).toEqual(draw(1, family));
    expect(draw(1, family)).not.toEqual(draw(2, family));
  });

  test('most images have something to see', () => {
    const deviations = Array.from({ length: 12 }, (_, seed) => deviation(draw(seed, family)));
    expect(deviations.filter((value) => value > 5).length).toBeGreaterThanOrEqual(9);
  });
});

test('without a family one is drawn: no two streams give the same image', () => {
  const images = Array.from({ length: 60 }, (_, seed) => draw(seed).join());
  expect(new Set(images).size).toBe(60);
});

test.each([7, 8.5, NaN])('a size of %d is refused', (size) => {
  expect(() => proceduralImage(randomStream(1, 'test'), size)).toThrow(/wanted a whole number/);
});

test('a family there is not is refused by those there are', () => {
  expect(() => proceduralImage(randomStream(1, 'test'), 16, { family: 'cats' as 'text' })).toThrow(
    /dead-leaves/,
  );
});
