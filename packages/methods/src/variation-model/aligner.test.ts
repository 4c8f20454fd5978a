import type { Size } from '../contract.js';
import { Aligner, rotationsOf, type Alignment } from './aligner.js';
import { gradientsOf, grayOf, searchSizeOf, standardized } from './gradient-image.js';
import { IDENTITY, type RigidTransform } from './rigid-transform.js';
import { scene, transformOf } from './scene.test.util.js';

function found(alignment: Alignment, transform: RigidTransform, size: Size = [64, 64]): RigidTransform {
  const aligner = new Aligner(grayOf(scene({ size, noise: 2, seed: 5 }), size), alignment, size);
  return aligner.align(scene({ size, transform, noise: 2, seed: 6 }));
}

const degreesOf = ({ angle }: RigidTransform): number => (angle * 180) / Math.PI;

describe.each<Size>([
  [64, 64],
  [96, 60],
  [300, 400],
])('images of %p x %p', (height, width) => {
  const size = [height, width] as const;
  const pixel = Math.max(1, Math.max(height, width) / 256);

  test.each([
    [0, 0],
    [3, -2],
    [-6, 5],
    [2.5, 1.25],
    [-0.4, 3.7],
  ])('a shift by %p, %p is found', (x, y) => {
    const { angle, shift } = found('translation', transformOf(0, x, y), size);
    expect(angle).toBe(0);
    expect(Math.abs(shift.x - x)).toBeLessThan(0.15 * pixel);
    expect(Math.abs(shift.y - y)).toBeLessThan(0.15 * pixel);
  });

  test.each([
    [2, 0, 0],
    [-3.5, 2, -4],
    [4.2, -3.3, 1.5],
    [-4.75, -2, -2],
  ])('a turn by %p degrees with a shift by %p, %p is found', (degrees, x, y) => {
    const result = found('rigid', transformOf(degrees, x, y), size);
    expect(Math.abs(degreesOf(result) - degrees)).toBeLessThan(0.35);
    expect(Math.abs(result.shift.x - x)).toBeLessThan(0.3 * pixel);
    expect(Math.abs(result.shift.y - y)).toBeLessThan(0.3 * pixel);
  });
});

test('an image with nothing in common, or with nothing on it, stays as it is', () => {
  const aligner = new Aligner(grayOf(scene(), [64, 64]), 'rigid', [64, 64]);
  expect(aligner.align(new Float32Array(64 * 64 * 3).fill(90))).toEqual(IDENTITY);
  const flat = new Aligner(grayOf(new Float32Array(64 * 64 * 3).fill(90), [64, 64]), 'rigid', [64, 64]);
  expect(flat.align(scene())).toEqual(IDENTITY);
});

test('a shift by more than a quarter of the image is not looked for', () => {
  const { shift } = found('translation', transformOf(0, 20, 0));
  expect(Math.abs(shift.x)).toBeLessThanOrEqual(16.5);
});

test('the smallest images are aligned without an error', () => {
  for (const size of [
    [1, 1],
    [1, 3],
    [2, 2],
  ] as const) {
    const image = new Float32Array(size[0] * size[1] * 3).map((_, at) => 40 * (at % 5));
    const aligner = new Aligner(grayOf(image, size), 'rigid', size);
    const { angle, shift } = aligner.align(image);
    expect([angle, shift.x, shift.y].every(Number.isFinite)).toBe(true);
  }
});

test('rotations: from -5 to 5 degrees in steps of a half, or none', () => {
  expect(rotationsOf('translation')).toEqual([0]);
  const rotations = rotationsOf('rigid');
  expect([rotations.length, rotations[0], rotations[1], rotations[10], rotations[20]]).toEqual([
    21, -5, -4.5, 0, 5,
  ]);
});

test('images are aligned at 256 pixels at most', () => {
  expect(searchSizeOf([128, 64])).toEqual([128, 64]);
  expect(searchSizeOf([512, 512])).toEqual([256, 256]);
  expect(searchSizeOf([1000, 500])).toEqual([256, 128]);
  expect(searchSizeOf([1, 4000])).toEqual([1, 256]);
});

test('gradients by hand', () => {
  const gray = { data: Uint8Array.of(0, 10, 40, 0, 10, 44), height: 2, width: 3, channels: 1 } as const;
  expect([...gradientsOf(gray)]).toEqual([
    10,
    40,
    Math.fround(Math.sqrt(30 ** 2 + 4 ** 2)),
    10,
    44,
    Math.fround(Math.sqrt(34 ** 2 + 4 ** 2)),
  ]);
});

test('standardized values have no mean and length 1; those of a flat image are 0', () => {
  const values = standardized(Float32Array.of(1, 2, 3, 6));
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-15);
  expect(Math.abs(values.reduce((sum, value) => sum + value * value, 0) - 1)).toBeLessThan(1e-15);
  expect([...standardized(Float32Array.of(4, 4, 4))]).toEqual([0, 0, 0]);
});
