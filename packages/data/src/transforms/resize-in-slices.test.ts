import { jest } from '@jest/globals';
import fc from 'fast-check';
import { resizeBilinearAntialiased } from '@dskd/core';
import { resizeInSlices } from './resize-in-slices.js';

test('the same bytes as without slices, however many', async () => {
  const side = fc.integer({ min: 1, max: 23 });
  const options = { width: side, height: side, channels: fc.constantFrom(1, 3), seed: fc.nat(250) };
  await fc.assert(
    fc.asyncProperty(
      fc.record(options),
      side,
      side,
      fc.integer({ min: 1, max: 200 }),
      async (image, width, height, bytes) => {
        const { seed, ...size } = image;
        const length = size.width * size.height * size.channels;
        const data = Uint8Array.from({ length }, (_, index) => (index * index * 31 + seed * index) % 256);
        const pixels = { ...size, data };
        expect(await resizeInSlices(pixels, { width, height }, bytes)).toEqual(
          resizeBilinearAntialiased(pixels, { width, height }),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('images of several slices of usual size, in both directions', async () => {
  for (const [width, height] of [
    [1100, 400],
    [150, 3000],
  ] as const) {
    const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * index * 31) % 251);
    const pixels = { data, width, height, channels: 3 };
    for (const size of [
      { width: 64, height: 48 },
      { width, height: 40 },
      { width: 40, height },
    ]) {
      const [sliced, whole] = [await resizeInSlices(pixels, size), resizeBilinearAntialiased(pixels, size)];
      expect({ ...sliced, data: 0 }).toEqual({ ...whole, data: 0 });
      expect(Buffer.compare(Buffer.from(sliced.data), Buffer.from(whole.data))).toBe(0);
    }
  }
});

test('other work is done between the slices of rows and of columns', async () => {
  let now = performance.now();
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 100));
  let turns = 0;
  let goes = true;
  const count = (): void => {
    turns++;
    if (goes) setImmediate(count);
  };
  setImmediate(count);
  const pixels = { data: new Uint8Array(64 * 64), width: 64, height: 64, channels: 1 };
  await resizeInSlices(pixels, { width: 8, height: 8 }, 64 * 4);
  goes = false;
  clock.mockRestore();
  // 16 slices of 4 rows, 2 of 4 columns.
  expect(turns).toBe(18);
});
