import { DskdError } from '@dskd/base';

/** Row-major float32 matrix: row `i` is `data[i * width]` to `data[(i + 1) * width - 1]`. */
export interface Rows {
  readonly data: Float32Array;
  readonly count: number;
  readonly width: number;
}

/**
 * Checks that `value` is a whole number of at least `least`.
 * @throws {DskdError} `invalid-argument`
 */
export function assertWhole(name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new DskdError(
      'invalid-argument',
      `Got ${name} ${value}; wanted a whole number of at least ${least}.`,
      {
        details: { name, got: value, least },
      },
    );
  }
}

/**
 * Checks the counts of `rows`, but not its values.
 * @throws {DskdError} `invalid-argument` for a count or width below 1; `shape-mismatch` where they do not fit the data.
 */
export function assertShape(name: string, rows: Rows): void {
  assertWhole(`the count of ${name}`, rows.count);
  assertWhole(`the width of ${name}`, rows.width);
  if (rows.data.length !== rows.count * rows.width) {
    throw new DskdError(
      'shape-mismatch',
      `Got ${rows.data.length} values for ${name}; wanted ${rows.count} x ${rows.width}, count times width.`,
      { details: { got: rows.data.length, count: rows.count, width: rows.width } },
    );
  }
}

/**
 * Checks that rows `from` to `to - 1` have finite values.
 * @throws {DskdError} `invalid-argument`, which names the row.
 */
export function assertFiniteRows(name: string, { data, width }: Rows, from: number, to: number): void {
  // First without a branch for each value: all bits of an exponent are 1 in an infinity and a NaN, so that one more carries into the sign.
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  let carried = 0;
  for (let i = from * width; i < to * width; i++) carried |= ((bits[i]! & 0x7f800000) + 0x00800000) | 0;
  if (carried >= 0) return;
  for (let i = from * width; i < to * width; i++) {
    if (Number.isFinite(data[i]!)) continue;
    const row = Math.floor(i / width);
    throw new DskdError(
      'invalid-argument',
      `Got ${data[i]} in row ${row}, column ${i % width} of ${name}; wanted finite numbers.`,
      { hint: 'Leave such rows out, or find where they are made.', details: { row, column: i % width } },
    );
  }
}

/** `most` of the rows, at equal intervals; the rows themselves where there are no more. */
export function spacedRows(rows: Rows, most: number): Rows {
  const { data, count, width } = rows;
  if (count <= most) return rows;
  const taken = new Float32Array(most * width);
  for (let i = 0; i < most; i++) {
    const row = Math.floor((i * count) / most);
    taken.set(data.subarray(row * width, (row + 1) * width), i * width);
  }
  return { data: taken, count: most, width };
}

/** {@link assertShape} and {@link assertFiniteRows} of all rows. */
export function assertRows(name: string, rows: Rows): void {
  assertShape(name, rows);
  assertFiniteRows(name, rows, 0, rows.count);
}

/**
 * Checks that two widths are equal.
 * @throws {DskdError} `shape-mismatch`
 */
export function assertWidth(name: string, got: number, wanted: number): void {
  if (got !== wanted) {
    throw new DskdError('shape-mismatch', `Got ${name} of width ${got}; wanted ${wanted}.`, {
      hint: 'Use the features of the same levels and image size as when it was fitted.',
      details: { got, wanted },
    });
  }
}
