import { toFloat32 } from './stored-tensor.js';
import { toHalf } from './half-precision.js';

const back = (halves: Uint16Array): Float32Array =>
  toFloat32({ dtype: 'F16', shape: [halves.length], data: halves });

test('every finite half is unchanged', () => {
  const finite = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).filter(
    (bits) => (bits & 0x7c00) !== 0x7c00,
  );
  expect(toHalf(back(finite))).toEqual(finite);
});

test('values are rounded to the nearest half, ties to even', () => {
  const halves = Uint16Array.from({ length: 0x7bff }, (_, bits) => bits);
  const values = back(halves);
  const following = back(halves.map((bits) => bits + 1));
  const middle = values.map((value, index) => (value + following[index]!) / 2);
  expect(toHalf(middle)).toEqual(halves.map((bits) => bits + (bits & 1)));
  const near = (share: number): Float32Array =>
    values.map((value, index) => value + share * (following[index]! - value));
  expect(toHalf(near(0.49))).toEqual(halves);
  expect(toHalf(near(0.51))).toEqual(halves.map((bits) => bits + 1));
});

test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65519, 0x7bff],
  [2 ** -25, 0],
  [1.0000001 * 2 ** -25, 1],
  [1e-45, 0],
  [-0, 0x8000],
])('%d is %d', (value, bits) => {
  expect([...toHalf(Float32Array.of(value))]).toEqual([bits]);
});
