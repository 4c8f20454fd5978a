import fc from 'fast-check';
import { assertFiniteRows, spacedRows } from './rows.js';

const finite = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 2 ** -149, -(2 ** -149), 3.4028234663852886e38, -3.4028234663852886e38),
);

/** Rows of `width` values in the middle of a longer buffer. */
function rowsIn(values: readonly number[], width: number) {
  const data = new Float32Array([NaN, ...values, NaN]).subarray(1, 1 + values.length);
  return { data, count: values.length / width, width };
}

test('finite rows pass, and one value that is not is named with its row and column', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(finite, { minLength: 5, maxLength: 40 }),
      fc.nat(),
      fc.constantFrom(NaN, Infinity, -Infinity),
      (width, given, place, wrong) => {
        const values = given.slice(0, width * Math.floor(given.length / width));
        const count = values.length / width;
        expect(() => assertFiniteRows('rows', rowsIn(values, width), 0, count)).not.toThrow();
        const at = place % values.length;
        values[at] = wrong;
        const rows = rowsIn(values, width);
        const row = Math.floor(at / width);
        expect(() => assertFiniteRows('rows', rows, 0, count)).toThrow(
          `Got ${wrong} in row ${row}, column ${at % width} of rows`,
        );
        // Rows that were not asked about.
        expect(() => assertFiniteRows('rows', rows, 0, row)).not.toThrow();
        expect(() => assertFiniteRows('rows', rows, row + 1, count)).not.toThrow();
      },
    ),
  );
});

test('of many rows so many are taken, at equal intervals; of few, all', () => {
  const rows = { data: Float32Array.from({ length: 14 }, (_, i) => i), count: 7, width: 2 };
  expect(spacedRows(rows, 3)).toEqual({ data: Float32Array.of(0, 1, 4, 5, 8, 9), count: 3, width: 2 });
  expect(spacedRows(rows, 7)).toBe(rows);
});
