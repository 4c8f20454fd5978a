import { describeValue } from './describe-value.js';

test.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  [Number.NaN, 'NaN'],
  [7n, '7'],
  [true, 'true'],
  ['a.png', 'the string "a.png"'],
  ['x'.repeat(99), `the string "${'x'.repeat(60)}..."`],
  [Symbol('s'), 'Symbol(s)'],
  [() => 1, 'a function'],
  [[1, 2], 'an array of 2 elements'],
  [new Float32Array(3), 'a Float32Array of 3 elements'],
  [Buffer.from('abcd'), 'a Buffer of 4 elements'],
  [new DataView(new ArrayBuffer(5)), 'a DataView of 5 elements'],
  [new URL('file:///x'), 'an object of the class URL'],
  [{}, 'an object without entries'],
  [{ path: 'x', size: 1 }, 'an object with path, size'],
  [Object.create(null), 'an object without entries'],
])('%p', (value, wanted) => {
  expect(describeValue(value)).toBe(wanted);
});
