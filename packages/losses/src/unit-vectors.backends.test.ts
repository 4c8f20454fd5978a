import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { unitVectors } from './index.js';

describeBackends('unitVectors', (backend) => {
  const tolerance = { relative: 4 * TOLERANCES[backend].elementwise };

  test('vectors have length one and keep their direction; zero stays zero', async () => {
    const values = integerFill('features', [2, 3, 3, 5]);
    values.fill(0, 5, 10);
    const wanted = new Float64Array(values.length);
    for (let at = 0; at < values.length; at += 5) {
      const length = Math.hypot(...values.subarray(at, at + 5));
      for (let c = at; c < at + 5; c++) wanted[c] = length === 0 ? 0 : values[c]! / length;
    }
    await expectNoNewTensors(async () => {
      const x = tf.tensor4d(values, [2, 3, 3, 5]);
      const unit = unitVectors(x);
      expect(unit.shape).toEqual([2, 3, 3, 5]);
      expectClose(await unit.data(), wanted, tolerance);
      tf.dispose([x, unit]);
    });
  });

  test('the gradient is (g - y <g, y>) / |x|', async () => {
    const x = [3, 4, 0, -1, 2, 2];
    const g = [1, 0, 2, 1, 1, -1];
    const wanted: number[] = [];
    for (const at of [0, 3]) {
      const vector = x.slice(at, at + 3);
      const length = Math.hypot(...vector);
      const along = vector.reduce((sum, value, c) => sum + (value / length) * g[at + c]!, 0);
      vector.forEach((value, c) => wanted.push((g[at + c]! - (value / length) * along) / length));
    }
    await expectNoNewTensors(async () => {
      const gradient = tf.tidy(() =>
        tf.grad((v) => tf.sum(tf.mul(unitVectors(v as tf.Tensor4D), tf.tensor4d(g, [1, 1, 2, 3]))))(
          tf.tensor4d(x, [1, 1, 2, 3]),
        ),
      );
      expectClose(await gradient.data(), wanted, tolerance);
      gradient.dispose();
    });
  });

  test('the gradient at zero is zero', async () => {
    await expectNoNewTensors(async () => {
      const zeros = tf.zeros<tf.Rank.R4>([1, 1, 1, 2]);
      const gradient = tf.grad((v) => tf.sum(unitVectors(v as tf.Tensor4D)))(zeros);
      expect([...(await gradient.data())]).toEqual([0, 0]);
      tf.dispose([zeros, gradient]);
    });
  });
});
