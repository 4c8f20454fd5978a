import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import fc from 'fast-check';
import { prepareMask, preparePixels } from '../prepare.js';
import { LETTERBOX_FILL, placement } from './placement.js';
import { anyImage, noise } from './images.test.util.js';

function colorAt({ data, width, channels }: PixelBuffer, x: number, y: number): number[] {
  const at = (y * width + x) * channels;
  return [...data.slice(at, at + channels)];
}

test('a letterboxed image is the resized image in the middle of the fill', () => {
  fc.assert(
    fc.property(
      anyImage(),
      fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) }),
      (image, network) => {
        const got = preparePixels(image, { ...network, fit: 'letterbox', fill: [1, 2, 3] });
        const { content } = placement(image, network, 'letterbox');
        const wanted = resizeBilinearAntialiased(image, content);
        expect(got).toMatchObject({ ...network, channels: 3 });
        for (let y = 0; y < network.height; y++) {
          for (let x = 0; x < network.width; x++) {
            const [inX, inY] = [x - content.left, y - content.top];
            const inside = inX >= 0 && inX < content.width && inY >= 0 && inY < content.height;
            expect(colorAt(got, x, y)).toEqual(inside ? colorAt(wanted, inX, inY) : [1, 2, 3]);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('letterbox and stretch give the same bytes if the aspect ratios are equal', () => {
  const image = noise(12, 9);
  const size = { width: 8, height: 6 };
  expect(preparePixels(image, { ...size, fit: 'letterbox' })).toEqual(preparePixels(image, size));
});

test('the default fill is the mean of ImageNet; a stretched image has no fill', () => {
  const white = { data: new Uint8Array(4 * 2 * 3).fill(255), width: 4, height: 2, channels: 3 };
  const size = { width: 4, height: 4 };
  expect(colorAt(preparePixels(white, { ...size, fit: 'letterbox' }), 0, 0)).toEqual([...LETTERBOX_FILL]);
  expect([...preparePixels(white, { ...size, fill: [0, 0, 0] }).data]).toEqual(Array<number>(48).fill(255));
});

test.each([[[1, 2]], [[1, 2, 256]], [[1, 2, -1]], [[0, 0, 0.5]]])('refuses a fill of %j', (fill) => {
  const size = { width: 4, height: 4, fit: 'letterbox' as const };
  const options = { ...size, fill: fill as unknown as [number, number, number] };
  expect(() => preparePixels(noise(4, 2), options)).toThrow('three whole numbers');
});

test('a mask is placed like the image, and the border is not set', () => {
  fc.assert(
    fc.property(
      anyImage(),
      fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) }),
      ({ width, height, data }, network) => {
        const mask = { width, height, channels: 1, data: data.slice(0, width * height) };
        const got = prepareMask(mask, { ...network, fit: 'letterbox' });
        const placed = placement(mask, network, 'letterbox');
        const border = placed.border() ?? new Uint8Array(got.length);
        const { left, top, ...inner } = placed.content;
        const wanted = prepareMask(mask, inner);
        got.forEach((value, i) => {
          const x = (i % network.width) - left;
          const y = Math.floor(i / network.width) - top;
          expect(value).toBe(border[i] ? 0 : wanted[y * inner.width + x]);
        });
      },
    ),
  );
});

test('pixels of the image are where the placement says', () => {
  const image = { data: new Uint8Array(40 * 20).fill(0), width: 40, height: 20, channels: 1 };
  // A block of 10 x 10 at (20, 4).
  for (let y = 4; y < 14; y++) image.data.fill(255, y * 40 + 20, y * 40 + 30);
  const network = { width: 20, height: 20 };
  const placed = placement(image, network, 'letterbox');
  const from = placed.toNetwork({ x: 20, y: 4 });
  const to = placed.toNetwork({ x: 30, y: 14 });
  expect([from, to]).toEqual([
    { x: 10, y: 7 },
    { x: 15, y: 12 },
  ]);
  const mask = prepareMask(image, { ...network, fit: 'letterbox' });
  mask.forEach((value, i) => {
    const [x, y] = [i % 20, Math.floor(i / 20)];
    expect(value).toBe(x >= from.x && x < to.x && y >= from.y && y < to.y ? 1 : 0);
  });
});
