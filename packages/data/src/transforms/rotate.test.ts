import { readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import type { PixelBuffer } from '@dskd/base';
import { anyImage, largestDifference, noise } from './images.test.util.js';
import { rotate, sineAndCosine } from './geometry.js';

const golden = await readGolden(new URL('../../test/fixtures/augmentation.safetensors', import.meta.url));

function source(name: string): PixelBuffer {
  const { shape, data } = golden.array(`${name}.source`);
  return { data: Uint8Array.from(data), width: shape[1]!, height: shape[0]!, channels: 3 };
}

const cases = golden.names.flatMap((name) => {
  const [image, kind, ...angle] = name.split('.');
  return kind === 'rotated' ? [[image!, Number(angle.join('.'))] as const] : [];
});

test.each(cases)('%s by %d degrees: same as torch with repeated edges, rounded', (image, degrees) => {
  const got = rotate(source(image), degrees);
  // 0.5 is due to rounding, the rest to the last bits of torch's coordinates.
  const wanted = golden.array(`${image}.repeated.${degrees}`).data;
  expect(largestDifference(got.data, wanted)).toBeLessThanOrEqual(0.5 + 1e-4);
});

test.each(cases)(
  '%s by %d degrees: within one level of Pillow, where Pillow reads inside the image',
  (image, degrees) => {
    const wanted = golden.array(`${image}.rotated.${degrees}`).data;
    const inside = golden.array(`${image}.inside.${degrees}`).data;
    const got = rotate(source(image), degrees);
    const compared = got.data.map((byte, i) => (inside[Math.floor(i / 3)]! > 0 ? byte : wanted[i]!));
    expect(largestDifference(compared, wanted)).toBeLessThanOrEqual(1);
  },
);

test('0 degrees gives the same bytes in a new buffer; the input is unchanged', () => {
  fc.assert(
    fc.property(anyImage(), (image) => {
      const same = rotate(image, 0);
      expect(same).toEqual({ ...image, data: Uint8Array.from(image.data) });
      expect(same.data).not.toBe(image.data);
    }),
  );
});

test('four quarter turns of a square give the original; one moves the top left corner to the bottom left', () => {
  const square = noise(6, 6);
  let turned = square;
  for (let i = 0; i < 4; i++) turned = rotate(turned, 90);
  expect([...turned.data]).toEqual([...square.data]);
  const bottomLeft = (5 * 6 + 0) * 3;
  expect([...rotate(square, 90).data.slice(bottomLeft, bottomLeft + 3)]).toEqual([
    ...square.data.slice(0, 3),
  ]);
});

test('no byte is outside the range of the image, for any angle: nothing is filled in', () => {
  fc.assert(
    fc.property(anyImage(), fc.double({ min: -180, max: 180, noNaN: true }), (image, degrees) => {
      for (let channel = 0; channel < 3; channel++) {
        const of = (bytes: Uint8Array | Uint8ClampedArray): number[] =>
          [...bytes].filter((_, i) => i % 3 === channel);
        const rotated = of(rotate(image, degrees).data);
        const own = of(image.data);
        expect(Math.min(...rotated)).toBeGreaterThanOrEqual(Math.min(...own));
        expect(Math.max(...rotated)).toBeLessThanOrEqual(Math.max(...own));
      }
    }),
  );
});

test('sine and cosine without Math.sin', () => {
  for (let degrees = -180; degrees <= 180; degrees += 0.25) {
    const { sine, cosine } = sineAndCosine(degrees);
    expect(Math.abs(sine - Math.sin((degrees * Math.PI) / 180))).toBeLessThan(2e-15);
    expect(Math.abs(cosine - Math.cos((degrees * Math.PI) / 180))).toBeLessThan(2e-15);
  }
  expect(sineAndCosine(0)).toEqual({ sine: 0, cosine: 1 });
});
