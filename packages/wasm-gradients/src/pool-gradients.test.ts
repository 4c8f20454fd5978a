import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { anyConvolution } from './convolutions.test.helper.js';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.helper.js';

describe('pooling gradients', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any shape, stride and padding gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution(), async ({ x, filter, dy, attrs }) => {
        const outShape = [...dy.slice(0, 3), x[3]!];
        const poolAttrs = { ...attrs, filterSize: filter.slice(0, 2) };
        for (const name of ['MaxPoolGrad', 'AvgPoolGrad']) {
          const { cpu, wasm } = await onBothBackends(() => {
            const input = filled(x, 1);
            return runKernel(name, { dy: filled(outShape, 2), input, output: input }, poolAttrs);
          });
          expectClose(wasm, cpu, { relative: 1e-6 });
        }
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  test('of equal inputs the first gets the gradient', async () => {
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
