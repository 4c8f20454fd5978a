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

test('other work is done between the slices', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const pixels = { data: new Uint8Array(64 * 64), width: 64, height: 64, channels: 1 };
  await resizeInSlices(pixels, { width: 8, height: 8 }, 64 * 4);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
