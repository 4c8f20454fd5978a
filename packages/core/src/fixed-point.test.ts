import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs-core';
import { fixedPoint } from './fixed-point.js';

describe.each(['cpu', 'wasm'] as const)('fixedPoint on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('repeats a step until nothing changes, and keeps the start', async () => {
    await expectNoNewTensors(async () => {
      const start = tf.tensor1d([1, 40, 99, 3]);
      const result = fixedPoint(start, (value) => tf.minimum<tf.Tensor1D>(tf.mul(value, 2), 100));
      expect(Array.from(await result.data())).toEqual([100, 100, 100, 100]);
      expect(Array.from(await start.data())).toEqual([1, 40, 99, 3]);
      tf.dispose([start, result]);
    });
  });

  test('what is one already is given as it is', async () => {
    const start = tf.tensor2d([[1, 2]]);
    const result = fixedPoint(start, (value) => tf.clone(value));
    expect(await result.array()).toEqual([[1, 2]]);
    tf.dispose([start, result]);
  });
});
