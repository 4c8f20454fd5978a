import { expectClose } from '@dskd/test-support';
import * as fc from 'fast-check';
import { IDENTITY, inverseOf, warp, type RigidTransform } from './rigid-transform.js';
import { transformOf } from './scene.test.util.js';

/** A place, brought to where it lies in the image. */
function moved([x, y]: [number, number], { angle, shift }: RigidTransform): [number, number] {
  return [
    Math.cos(angle) * x - Math.sin(angle) * y + shift.x,
    Math.sin(angle) * x + Math.cos(angle) * y + shift.y,
  ];
}

test('what is moved and moved back is where it was', () => {
  const number = fc.double({ min: -50, max: 50, noNaN: true });
  fc.assert(
    fc.property(number, number, number, number, number, (degrees, dx, dy, x, y) => {
      const transform = transformOf(degrees, dx, dy);
      const back = moved(moved([x, y], transform), inverseOf(transform));
      expectClose(back, [x, y], { absolute: 1e-12 });
    }),
  );
});

test('without a transform all values stay, bit for bit', () => {
  const source = Float32Array.from({ length: 5 * 4 * 3 }, (_, at) => Math.fround(Math.sin(at)));
  const { data, valid } = warp(source, [5, 4], IDENTITY);
  expect(data).toEqual(source);
  expect(valid).toEqual(new Uint8Array(20).fill(1));
});

test('hand values of a shift: pixels of the reference are looked up where they lie in the image', () => {
  const { data, valid } = warp(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], transformOf(0, 1, 0));
  expect([...data]).toEqual([2, 3, 0, 5, 6, 0]);
  expect([...valid]).toEqual([1, 1, 0, 1, 1, 0]);
  const half = warp(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], transformOf(0, 0.5, 0));
  expect([...half.data]).toEqual([1.5, 2.5, 3, 4.5, 5.5, 6]);
  expect(half.valid).toEqual(new Uint8Array(6).fill(1));
});

test('hand values of a quarter turn, which is clockwise', () => {
  // A part that lies turned in the image: what is to its right in the reference is below it.
  const { data } = warp(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), [3, 3], transformOf(90, 0, 0));
  expectClose(data, [3, 6, 9, 2, 5, 8, 1, 4, 7], { absolute: 1e-6 });
});

test('a slope stays a slope, wherever it is sampled', () => {
  const [height, width] = [24, 40];
  const slope = (x: number, y: number): number => 3 * x - 2 * y + 7;
  const source = Float32Array.from({ length: height * width }, (_, at) =>
    slope((at % width) - (width - 1) / 2, Math.floor(at / width) - (height - 1) / 2),
  );
  for (const transform of [transformOf(3, 1.25, -2.5), transformOf(-5, 0, 4), transformOf(37, -3.3, 0.2)]) {
    const { data, valid } = warp(source, [height, width], transform);
    let compared = 0;
    data.forEach((value, at) => {
      const place: [number, number] = [
        (at % width) - (width - 1) / 2,
        Math.floor(at / width) - (height - 1) / 2,
      ];
      const [x, y] = moved(place, transform);
      // Beyond the centers of the border's pixels the border's value is taken.
      if (Math.abs(x) > (width - 1) / 2 || Math.abs(y) > (height - 1) / 2) return;
      expect(valid[at]).toBe(1);
      expect(Math.abs(value - slope(x, y))).toBeLessThan(1e-4);
      compared++;
    });
    expect(compared).toBeGreaterThan(400);
    expect(valid).toContain(0);
  }
});
