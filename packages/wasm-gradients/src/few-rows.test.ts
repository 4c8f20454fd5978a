import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import { isFewRowsProduct } from './few-rows.js';
import { registerWasmGradients } from './index.js';
import { filled } from './on-both-backends.test.util.js';

/** `a` times the stored matrix `b`, or its transpose, in float64. */
function exactProduct(
  a: { readonly data: Float32Array; readonly rows: number; readonly inner: number },
  b: { readonly data: Float32Array; readonly rows: number; readonly columns: number },
  transposed: boolean,
): Float64Array {
  const columns = transposed ? b.rows : b.columns;
  const result = new Float64Array(a.rows * columns);
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let i = 0; i < a.inner; i++) {
        const at = transposed ? column * b.columns + i : i * b.columns + column;
        sum += a.data[row * a.inner + i]! * b.data[at]!;
      }
      result[row * columns + column] = sum;
    }
  }
  return result;
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
});

/** Rows on the left, and a stored matrix: more than a block, ends that fill no unit, whole ones. */
const SHAPES = [
  [1, 257, 1027],
  [2, 512, 512],
  [4, 40, 8192],
  [7, 257, 1029],
  [16, 33, 8005],
] as const;

describe.each([true, false])('few rows times a large matrix, transposed %s', (transposed) => {
  test.each(SHAPES)('%d rows, %d x %d: the product in float64', async (rows, stored, columns) => {
    expect(isFewRowsProduct(rows, { info: undefined!, start: 0, rows: stored, columns, transposed })).toBe(
      true,
    );
    await expectNoNewTensors(async () => {
      const inner = transposed ? columns : stored;
      const [a, b] = [filled([rows, inner], 1), filled([stored, columns], 2)] as tf.Tensor2D[];
      const product = tf.matMul(a!, b!, false, transposed);
      const [left, matrix] = (await Promise.all([a!.data(), b!.data()])) as Float32Array[];
      const wanted = exactProduct(
        { data: left!, rows, inner },
        { data: matrix!, rows: stored, columns },
        transposed,
      );
      expect(product.shape).toEqual([rows, transposed ? stored : columns]);
      expectClose(await product.data(), wanted, { relative: 1e-5, absolute: 1e-6 });
      tf.dispose([a!, b!, product]);
    });
  });

  test('a row has the same bytes alone, and among others', async () => {
    const [stored, columns] = [300, 1003];
    const inner = transposed ? columns : stored;
    const a = filled([7, inner], 1) as tf.Tensor2D;
    const b = filled([stored, columns], 2) as tf.Tensor2D;
    const together = tf.matMul(a, b, false, transposed);
    for (const row of [0, 3, 4, 6]) {
      const alone = tf.matMul(tf.slice(a, [row, 0], [1, -1]), b, false, transposed);
      expect(await alone.data()).toEqual(await tf.slice(together, [row, 0], [1, -1]).data());
    }
  });
});

test.each([
  ['many rows', 17, 512, 512, true],
  ['a matrix that the cache holds', 1, 100, 1000, true],
  ['short stored rows', 1, 8192, 128, false],
  ['sums that would be too long', 1, 4097, 512, false],
])('%s are left to XNNPACK', (_, rows, stored, columns, transposed) => {
  expect(isFewRowsProduct(rows, { info: undefined!, start: 0, rows: stored, columns, transposed })).toBe(
    false,
  );
});
