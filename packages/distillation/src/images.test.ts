import { randomStream, type PixelBuffer } from '@dskd/base';
import { photoCrop } from './images.js';

function photo(width: number, height: number): PixelBuffer {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251);
  return { data, width, height, channels: 3 };
}

test('is square, decided by the stream, and leaves the photo alone', () => {
  const source = photo(60, 41);
  const before = source.data.slice();
  const crop = (seed: number): PixelBuffer => photoCrop(source, randomStream(seed, 'crop'), 24);
  expect(crop(1)).toEqual(crop(1));
  expect(crop(1).data).not.toEqual(crop(2).data);
  expect(crop(1)).toMatchObject({ width: 24, height: 24, channels: 3 });
  expect(crop(1).data).toHaveLength(24 * 24 * 3);
  expect(source.data).toEqual(before);
});

test('one flat color stays nearly flat wherever and however it is cut', () => {
  const flat = { ...photo(40, 30), data: new Uint8Array(40 * 30 * 3).fill(90) };
  for (let seed = 0; seed < 30; seed++) {
    const { data } = photoCrop(flat, randomStream(seed, 'crop'), 16);
    for (let channel = 0; channel < 3; channel++) {
      const values = Array.from(data).filter((_, i) => i % 3 === channel);
      // What is left is the noise: at most 25 levels wide.
      expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(26);
    }
  }
});

test('tiny photos are enlarged; gray ones refused', () => {
  expect(photoCrop(photo(1, 3), randomStream(1, 'crop'), 8).data).toHaveLength(8 * 8 * 3);
  const gray = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 };
  expect(() => photoCrop(gray, randomStream(1, 'crop'), 8)).toThrow(/1 channels/);
});
