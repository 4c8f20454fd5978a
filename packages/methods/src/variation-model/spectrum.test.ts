import { randomStream } from '@dskd/base';
import { expectClose } from '@dskd/test-support';
import type { Size } from '../contract.js';
import { FourierPlane, powerOfTwo } from './spectrum.js';

/** The transform from its definition, in float64. */
function oracle(values: Float64Array, [height, width]: Size): Float64Array {
  const spectrum = new Float64Array(2 * values.length);
  for (let u = 0; u < height; u++) {
    for (let v = 0; v < width; v++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const angle = -2 * Math.PI * ((u * y) / height + (v * x) / width);
          spectrum[2 * (u * width + v)]! += values[y * width + x]! * Math.cos(angle);
          spectrum[2 * (u * width + v) + 1]! += values[y * width + x]! * Math.sin(angle);
        }
      }
    }
  }
  return spectrum;
}

describe.each<Size>([
  [2, 2],
  [2, 16],
  [8, 4],
  [16, 32],
])('a plane of %p x %p', (height, width) => {
  const random = randomStream(height, 'plane', width);
  const values = Float64Array.from({ length: height * width }, () => random.normal());
  const plane = new FourierPlane([height, width]);

  test('agrees with the definition', () => {
    expectClose(plane.forward(values), oracle(values, [height, width]), { relative: 1e-13 });
  });

  test('the inverse gives the values back and keeps the spectrum', () => {
    const spectrum = plane.forward(values);
    const before = spectrum.slice();
    expectClose(plane.inverse(spectrum), values, { relative: 1e-14 });
    expect(spectrum).toEqual(before);
  });
});

test.each([
  [1, 2],
  [2, 2],
  [3, 4],
  [64, 64],
  [65, 128],
  [256, 256],
])('the power of two of %p is %p', (length, power) => {
  expect(powerOfTwo(length)).toBe(power);
});
