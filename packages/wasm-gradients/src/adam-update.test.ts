import * as tf from '@tensorflow/tfjs';
import { registerWasmGradients } from './index.js';
import { filled } from './on-both-backends.test.util.js';

const NUMBERS = {
  keepFirst: 0.5,
  takeFirst: 0.5,
  keepSecond: 0.999,
  takeSecond: 0.001,
  rootScale: Math.sqrt(1 - 0.999 ** 3),
  epsilon: 1e-8,
  stepSize: 0.005 / (1 - 0.5 ** 3),
};

beforeAll(async () => {
  await tf.setBackend('wasm');
  registerWasmGradients();
});

function inputsOf(shape: number[]): Record<'parameter' | 'first' | 'second' | 'gradient', tf.Tensor> {
  return {
    parameter: filled(shape, 1),
    first: filled(shape, 2),
    second: tf.square(filled(shape, 3)),
    gradient: filled(shape, 4),
  };
}

/** The operations that @dskd/training computes where there is no kernel. */
function byOperations({ parameter, first, second, gradient }: ReturnType<typeof inputsOf>): tf.Tensor[] {
  const n = NUMBERS;
  const nextFirst = tf.add(tf.mul(first, n.keepFirst), tf.mul(gradient, n.takeFirst));
  const nextSecond = tf.add(tf.mul(second, n.keepSecond), tf.mul(tf.square(gradient), n.takeSecond));
  const below = tf.add(tf.div(tf.sqrt(nextSecond), n.rootScale), n.epsilon);
  return [tf.sub(parameter, tf.mul(tf.div(nextFirst, below), n.stepSize)), nextFirst, nextSecond];
}

test.each([[[1]], [[3]], [[4]], [[7, 3]], [[3, 3, 16, 5]], [[4097]]])(
  'has the bits of the operations, for the shape %j',
  (shape) => {
    tf.tidy(() => {
      const inputs = inputsOf(shape);
      const got = tf.engine().runKernel<tf.Tensor[]>('AdamUpdate', inputs, NUMBERS);
      const wanted = byOperations(inputs);
      expect(got.map((each) => each.shape)).toEqual([shape, shape, shape]);
      for (const [at, each] of got.entries()) expect(each.dataSync()).toEqual(wanted[at]!.dataSync());
    });
  },
);

test('leaves its inputs as they were', () => {
  tf.tidy(() => {
    const inputs = inputsOf([5, 6]);
    const before = Object.values(inputs).map((each) => each.dataSync().slice());
    tf.engine().runKernel('AdamUpdate', inputs, NUMBERS);
    expect(Object.values(inputs).map((each) => each.dataSync())).toEqual(before);
  });
});
