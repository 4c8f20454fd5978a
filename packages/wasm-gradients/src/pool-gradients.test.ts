import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { anyConvolution } from './convolutions.test.util.js';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.util.js';

describe('pooling gradients', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any shape, stride and padding gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution(), async ({ x, filter, dy, attrs }) => {
        const outShape = [...dy.slice(0, 3), x[3]!];
        // There the stock forward pass returns its input, also where strides and padding put other pixels into the windows.
        fc.pre(filter[0]! * filter[1]! > 1 || String(outShape) !== String(x));
        const poolAttrs = { ...attrs, filterSize: filter.slice(0, 2) };
        for (const [name, pool] of [
          ['MaxPoolGrad', 'MaxPool'],
          ['AvgPoolGrad', 'AvgPool'],
        ] as const) {
          // Few values, so that windows hold equal ones. Pooled on cpu, for the stock wasm kernels fail where a
          // window lies in the padding.
          await tf.setBackend('cpu');
          const pooled = tf.tidy(() =>
            runKernel(pool, { x: filled(x, 1).mul(4).round() }, poolAttrs).dataSync(),
          );
          const { cpu, wasm } = await onBothBackends(() => {
            const input = filled(x, 1).mul(4).round();
            const output = tf.tensor(pooled, outShape);
            return runKernel(name, { dy: filled(outShape, 2), input, output }, poolAttrs);
          });
          expectClose(wasm, cpu, { relative: 1e-6 });
        }
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  test('the first of equal inputs gets the gradient', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, 2, 0], [1, 2, 2, 1]);
      const dx = tf.grad((input) => tf.maxPool(input as tf.Tensor4D, 2, 2, 'valid'))(
        x,
        tf.tensor4d([5], [1, 1, 1, 1]),
      );
      expect([...dx.dataSync()]).toEqual([0, 5, 0, 0]);
    });
  });
});
