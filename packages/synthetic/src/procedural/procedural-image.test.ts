import { createHash } from 'node:crypto';
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
  test('the same stream gives the same bytes, another stream gives another image', () => {
    expect(draw(1, family)).toEqual(draw(1, family));
    expect(draw(1, family)).not.toEqual(draw(2, family));
  });

  test('most images have visible structure', () => {
    const deviations = Array.from({ length: 12 }, (_, seed) => deviation(draw(seed, family)));
    expect(deviations.filter((value) => value > 5).length).toBeGreaterThanOrEqual(9);
  });
});

test('without a family, one is drawn: no two streams give the same image', () => {
  const images = Array.from({ length: 60 }, (_, seed) => draw(seed).join());
  expect(new Set(images).size).toBe(60);
});

test.each([7, 8.5, NaN])('refuses a size of %d', (size) => {
  expect(() => proceduralImage(randomStream(1, 'test'), size)).toThrow(/wanted a whole number/);
});

test('refuses an unknown family and lists the known ones', () => {
  expect(() => proceduralImage(randomStream(1, 'test'), 16, { family: 'cats' as 'text' })).toThrow(
    /dead-leaves/,
  );
});

/**
 * SHA-256 of six images of each family, and of twenty images of random families. The weights of `teacher-tiny` depend
 * on them.
 */
const DIGESTS = {
  'dead-leaves': '31d7c225a97a613b76d765bf856e0befcc794868d78a3120b50010c5a3759995',
  'noise-fields': '4bd0eb4914dfa11116d19a2f78e683ae177009d4d61ebaf0200f099517a7a650',
  fractals: '6ffd5310a242e08fc9ff6e20872093ce9c4c0f3c2db9c421e920b61f35633911',
  text: '4f13e17413bb02a4cf4c182032075ee80128b2789ad73e1bfcef428a005e0236',
  'textured-shapes': 'abc7d581becb51c79baeb5b79a7e0f4dd61b161dc5d92e3b48de5a2b794b3b1f',
  gradients: 'ac6cd47e1e034161b2a6bb69724e91abb7f7d7a02d278536f352c5a0a2aaf9b9',
};
const DRAWN_DIGEST = '950adc49a62e3dbff788989ae69f4dabeebcb75427914eafe8550d826992b8c6';

function digest(count: number, size: number, family?: (typeof PROCEDURAL_FAMILIES)[number]): string {
  const hash = createHash('sha256');
  for (let seed = 0; seed < count; seed++) {
    hash.update(proceduralImage(randomStream(seed, 'digest'), size, family && { family }).data);
  }
  return hash.digest('hex');
}

test.each(PROCEDURAL_FAMILIES)('%s: the bytes are those of the first release', (family) => {
  expect(digest(6, 64, family)).toBe(DIGESTS[family]);
});

test('drawn families: the bytes are those of the first release', () => {
  expect(digest(20, 40)).toBe(DRAWN_DIGEST);
});
