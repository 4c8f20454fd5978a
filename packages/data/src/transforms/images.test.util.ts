import type { PixelBuffer } from '@dskd/base';
import fc from 'fast-check';

/** RGB noise by a fixed formula. */
export function noise(width: number, height: number): PixelBuffer {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 7919 + (i >> 3) * 104_729) % 256,
  );
  return { data, width, height, channels: 3 };
}

/** Any image of up to 9 x 9 pixels, including non-square ones and single pixels. */
export function anyImage(): fc.Arbitrary<PixelBuffer> {
  const side = fc.integer({ min: 1, max: 9 });
  return fc.tuple(side, side).chain(([width, height]) => {
    const length = width * height * 3;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ data, width, height, channels: 3 }));
  });
}

/** Largest absolute difference between a byte of `got` and of `wanted`. */
export function largestDifference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(got.length).toBe(wanted.length);
  let largest = 0;
  for (let i = 0; i < got.length; i++) largest = Math.max(largest, Math.abs(got[i]! - wanted[i]!));
  return largest;
}
