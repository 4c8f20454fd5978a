import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { accurateSum } from './reductions.js';

/** Float64 column sums. */
function exactColumns(values: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  values.forEach((value, i) => (sums[i % columns]! += value));
  return sums;
}

describeBackends('sums', (backend) => {
  const tolerance = { relative: TOLERANCES[backend].reduction };

  test.each([
    [1, 3],
    [64, 2],
    [65, 5],
    [130, 1],
    [4160, 3],
    [9001, 2],
  ])('the sum of each column and of all of %d x %d agree with float64', async (rows, columns) => {
    const values = integerFill('bn.weight', [rows * columns]);
    const wanted = exactColumns(values, columns);
    await expectNoNewTensors(async () => {
      const x = tf.tensor2d(values, [rows, columns]);
      const results = [accurateSum(x, 0), accurateSum(x)] as const;
      const [sums, total] = await Promise.all(results.map((result) => result.data()));
      expect(results.map((result) => result.shape)).toEqual([[columns], []]);
      expectClose(sums!, wanted, tolerance);
      expectClose(total!, [wanted.reduce((a, b) => a + b, 0)], tolerance);
      tf.dispose([x, ...results]);
    });
  });

  test('large offsets do not lose small terms', async () => {
    // A sequential float32 sum of 2^17 terms 1 + 2^-10 loses the fraction bit by bit.
    const x = tf.fill<tf.Rank.R2>([2 ** 17, 1], 1 + 2 ** -10);
    const results = [accurateSum(x, 0), accurateSum(x)];
    for (const result of results) expect((await result.data())[0]).toBe(2 ** 17 + 2 ** 7);
    tf.dispose([x, ...results]);
  });

  test('gradients', async () => {
    await expectNoNewTensors(async () => {
      const x = tf.tensor2d(integerFill('x', [70, 3]), [70, 3]);
      const weights = tf.tensor1d([1, -2, 3]);
      const cases = [
        [(v: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(accurateSum(v as tf.Tensor2D, 0), weights)), [1, -2, 3]],
        [(v: tf.Tensor) => tf.mul<tf.Scalar>(accurateSum(v), 5), [5, 5, 5]],
      ] as const;
      for (const [f, row] of cases) {
        const gradient = tf.grad(f)(x);
        expect(gradient.shape).toEqual([70, 3]);
        const wanted = Array.from({ length: 210 }, (_, i) => row[i % 3]!);
        expectClose(await gradient.data(), wanted, { relative: 1e-6 });
        gradient.dispose();
      }
      tf.dispose([x, weights]);
    });
  });

  test('accurateSum takes a scalar and a four-dimensional tensor, with gradients', async () => {
    for (const shape of [[], [2, 3, 5, 7]]) {
      await expectNoNewTensors(async () => {
        const x = tf.ones(shape);
        const sum = accurateSum(x);
        const gradient = tf.grad((v) => accurateSum(v))(x);
        expect((await sum.data())[0]).toBe(x.size);
        expect(gradient.shape).toEqual(shape);
        expect([...(await gradient.data())]).toEqual(Array.from({ length: x.size }, () => 1));
        tf.dispose([x, sum, gradient]);
      });
    }
  });
});
