import { isDskdError } from '@dskd/base';
import fc from 'fast-check';
import { placement, type Fit, type PixelSize } from './placement.js';

const side = fc.integer({ min: 1, max: 3000 });
const size = fc.record({ width: side, height: side });
const fit = fc.constantFrom<Fit>('stretch', 'letterbox');

test.each([
  // Includes the sizes of MVTec LOCO AD.
  [1600, 1280, 256, 256, { left: 0, top: 25, width: 256, height: 205 }],
  [800, 1600, 256, 256, { left: 64, top: 0, width: 128, height: 256 }],
  [1700, 850, 256, 192, { left: 0, top: 32, width: 256, height: 128 }],
  [256, 256, 256, 256, { left: 0, top: 0, width: 256, height: 256 }],
  [10, 10, 8, 4, { left: 2, top: 0, width: 4, height: 4 }],
  [1, 1, 5, 3, { left: 1, top: 0, width: 3, height: 3 }],
  [5000, 1, 64, 64, { left: 0, top: 31, width: 64, height: 1 }],
  [3, 2, 9, 5, { left: 0, top: 0, width: 8, height: 5 }],
])('an image of %i x %i in a letterbox of %i x %i', (width, height, networkWidth, networkHeight, content) => {
  const network = { width: networkWidth, height: networkHeight };
  expect(placement({ width, height }, network, 'letterbox').content).toEqual(content);
  expect(placement({ width, height }, network, 'stretch').content).toEqual({ left: 0, top: 0, ...network });
});

test('a letterbox fills one side, is centered, and keeps the aspect ratio up to rounding', () => {
  fc.assert(
    fc.property(size, size, (image, network) => {
      const { content } = placement(image, network, 'letterbox');
      const spare = { x: network.width - content.width, y: network.height - content.height };
      expect(Math.min(spare.x, spare.y)).toBe(0);
      expect(content.left).toBe(Math.floor(spare.x / 2));
      expect(content.top).toBe(Math.floor(spare.y / 2));
      const scale = Math.min(network.width / image.width, network.height / image.height);
      expect(Math.abs(content.width - Math.max(1, image.width * scale))).toBeLessThanOrEqual(0.5 + 1e-9);
      expect(Math.abs(content.height - Math.max(1, image.height * scale))).toBeLessThanOrEqual(0.5 + 1e-9);
    }),
  );
});

test('a point maps to the network and back; the corners of the image map to those of the content', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(size, size, fit, share, share, (image, network, chosen, acrossShare, downShare) => {
      const placed = placement(image, network, chosen);
      const { content } = placed;
      const point = { x: acrossShare * image.width, y: downShare * image.height };
      const back = placed.toImage(placed.toNetwork(point));
      expect(back.x).toBeCloseTo(point.x, 8);
      expect(back.y).toBeCloseTo(point.y, 8);
      expect(placed.toNetwork({ x: 0, y: 0 })).toEqual({ x: content.left, y: content.top });
      expect(placed.toNetwork({ x: image.width, y: image.height })).toEqual({
        x: content.left + content.width,
        y: content.top + content.height,
      });
    }),
  );
});

test('the border is everything except the content', () => {
  fc.assert(
    fc.property(
      fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) }),
      fit,
      (image, network, chosen) => {
        const placed = placement(image, network, chosen);
        const border = placed.border() ?? new Uint8Array(network.width * network.height);
        const { left, top, width, height } = placed.content;
        border.forEach((value, i) => {
          const x = i % network.width;
          const y = Math.floor(i / network.width);
          const inside = x >= left && x < left + width && y >= top && y < top + height;
          expect(value).toBe(inside ? 0 : 1);
        });
      },
    ),
  );
  expect(placement({ width: 7, height: 3 }, { width: 4, height: 4 }, 'stretch').border()).toBeNull();
});

test.each<[PixelSize, PixelSize, string, string]>([
  [{ width: 0, height: 2 }, { width: 2, height: 2 }, 'stretch', '0, 2, 2, 2'],
  [{ width: 2, height: 2 }, { width: 2, height: 1.5 }, 'letterbox', '2, 2, 2, 1.5'],
  [{ width: 2, height: 2 }, { width: 2, height: 2 }, 'crop', "'crop'"],
])('refuses invalid values: %o in %o by %s', (image, network, chosen, told) => {
  let error: unknown;
  try {
    placement(image, network, chosen as Fit);
  } catch (thrown) {
    error = thrown;
  }
  expect(isDskdError(error, 'invalid-argument')).toBe(true);
  expect(String(error)).toContain(told);
});
