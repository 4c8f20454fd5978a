import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { anyConvolution } from './convolutions.test.util.js';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.util.js';

const CLOSE = { relative: 1e-5, absolute: 1e-6 };

describe('depthwiseConv2d gradients', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any shape, stride, padding and channel multiplier gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution(true), async ({ x, filter, dy, attrs }) => {
        const filterGradient = await onBothBackends(() =>
          runKernel(
            'DepthwiseConv2dNativeBackpropFilter',
            { x: filled(x, 1), dy: filled(dy, 2) },
            { ...attrs, filterShape: filter },
          ),
        );
        expectClose(filterGradient.wasm, filterGradient.cpu, CLOSE);
        const inputGradient = await onBothBackends(() =>
          runKernel(
            'DepthwiseConv2dNativeBackpropInput',
            { dy: filled(dy, 2), filter: filled(filter, 3) },
            { ...attrs, inputShape: x },
          ),
        );
        expectClose(inputGradient.wasm, inputGradient.cpu, CLOSE);
      }),
      { numRuns: 80, seed: 3 },
    );
  });

  test('dilated: both gradients are the adjoints of the forward convolution', async () => {
    // The cpu backend's own gradient kernels ignore dilations, so its forward pass is the reference.
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const x = filled([2, 9, 8, 3], 1) as tf.Tensor4D;
      const filter = filled([3, 2, 3, 2], 2) as tf.Tensor4D;
      const y = tf.depthwiseConv2d(x, filter, 1, 'same', 'NHWC', [2, 3]);
      const dy = filled(y.shape, 3);
      const attrs = { strides: [1, 1], dilations: [2, 3], pad: 'same' };
      const byFilter = runKernel(
        'DepthwiseConv2dNativeBackpropFilter',
        { x, dy },
        { ...attrs, filterShape: filter.shape },
      );
      const byInput = runKernel(
        'DepthwiseConv2dNativeBackpropInput',
        { dy, filter },
        { ...attrs, inputShape: x.shape },
      );
      const wanted = y.mul(dy).sum().dataSync();
      expectClose(byFilter.mul(filter).sum().dataSync(), wanted, { relative: 1e-5 });
      expectClose(byInput.mul(x).sum().dataSync(), wanted, { relative: 1e-5 });
    });
  });
});
