import * as tf from '@tensorflow/tfjs';
import { upsampleBilinear } from '@dskd/core';
import { describeBackends, expectClose } from '@dskd/test-support';
import fc from 'fast-check';
import { mapInImage } from './map-in-image.js';

/** A map of 7 x 5 whose image is the 4 x 3 pixels from (2, 1); outside of it are huge numbers. */
const content = { left: 2, top: 1, width: 4, height: 3 };
const inside = Float32Array.from({ length: 12 }, (_, i) => ((i * 29) % 17) - 5);
const map = {
  width: 7,
  height: 5,
  data: Float32Array.from({ length: 35 }, (_, i) => {
    const [x, y] = [(i % 7) - 2, Math.floor(i / 7) - 1];
    return x >= 0 && x < 4 && y >= 0 && y < 3 ? inside[y * 4 + x]! : 1e9;
  }),
};

describeBackends('mapInImage', () => {
  test.each([
    [4, 3],
    [8, 6],
    [13, 11],
    [3, 2],
    [1, 1],
    [40, 2],
  ])('to %i x %i is torch interpolate without aligned corners', async (width, height) => {
    const source = tf.tensor3d(inside, [1, 3, 4]);
    const wanted = upsampleBilinear(source, [height, width], { alignCorners: false });
    const got = mapInImage({ map, content }, { width, height });
    expect(got).toMatchObject({ width, height });
    expectClose(got.data, await wanted.data(), { relative: 1e-5 });
    tf.dispose([source, wanted]);
  });
});

test('its own size is the content itself; no value leaves the range of the map', () => {
  expect([...mapInImage({ map, content }, { width: 4, height: 3 }).data]).toEqual([...inside]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), (width, height) => {
      const { data } = mapInImage({ map, content }, { width, height });
      expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...inside));
      expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...inside));
    }),
  );
});

test.each([0, 1.5, -2])('refuses a side of %d', (width) => {
  expect(() => mapInImage({ map, content }, { width, height: 3 })).toThrow('positive integers');
});
