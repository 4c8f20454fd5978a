import { toFloat32 } from './index.js';

function half(...bits: number[]): number[] {
  return [...toFloat32({ dtype: 'F16', shape: [bits.length], data: Uint16Array.from(bits) })];
}

function bfloat(...bits: number[]): number[] {
  return [...toFloat32({ dtype: 'BF16', shape: [bits.length], data: Uint16Array.from(bits) })];
}

test('half precision, IEEE 754 binary16', () => {
  // 1, -2, largest, smallest normal, smallest and largest subnormal number, 1/3.
  expect(half(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x3555)).toEqual([
    1,
    -2,
    65504,
    2 ** -14,
    2 ** -24,
    1023 * 2 ** -24,
    0.333251953125,
  ]);
  expect(half(0x0000, 0x8000)).toEqual([0, -0]);
  expect(half(0x7c00, 0xfc00, 0x7e00, 0xfc01)).toEqual([Infinity, -Infinity, NaN, NaN]);
});

test('conversion of halves is monotonic and symmetric', () => {
  const positive = half(...Array.from({ length: 0x7c01 }, (_, bits) => bits));
  expect(positive.every((value, bits) => bits === 0 || value > positive[bits - 1]!)).toBe(true);
  const negative = half(...Array.from({ length: 0x7c01 }, (_, bits) => bits | 0x8000));
  expect(negative.every((value, bits) => Object.is(value, -positive[bits]!))).toBe(true);
});

test('bfloat16 is the upper half of a float32', () => {
  expect(bfloat(0x3f80, 0xc000, 0x4049, 0x0001)).toEqual([1, -2, 3.140625, 2 ** -133]);
  expect(bfloat(0x7f80, 0xff80, 0x7fc0, 0x8000)).toEqual([Infinity, -Infinity, NaN, -0]);
});

test('other types are converted by value; F32 is not copied', () => {
  const data = Float32Array.of(1.5);
  expect(toFloat32({ dtype: 'F32', shape: [1], data })).toBe(data);
  expect(toFloat32({ dtype: 'F64', shape: [1], data: Float64Array.of(0.1) })).toEqual(Float32Array.of(0.1));
  expect(toFloat32({ dtype: 'I64', shape: [1], data: BigInt64Array.of(-7n) })).toEqual(Float32Array.of(-7));
  expect(toFloat32({ dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) })).toEqual(Float32Array.of(0, 1));
});
