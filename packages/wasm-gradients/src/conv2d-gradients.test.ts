import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.util.js';
import { anyConvolution, checkGradients } from './convolutions.test.util.js';

describe('conv2d gradients', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('by hand: one row, stride 2', async () => {
    await tf.setBackend('wasm');
    const attrs = { strides: [1, 2], pad: 'valid', dataFormat: 'NHWC' };
    const x = tf.tensor4d([1, 2, 3, 4, 5], [1, 1, 5, 1]);
    const dy = tf.tensor4d([10, 100], [1, 1, 2, 1]);
    const filter = tf.tensor4d([1, 2, 3], [1, 3, 1, 1]);
    const byFilter = runKernel('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: [1, 3, 1, 1] });
    const byInput = runKernel('Conv2DBackpropInput', { dy, filter }, { ...attrs, inputShape: [1, 1, 5, 1] });
    expect([...byFilter.dataSync()]).toEqual([310, 420, 530]);
    expect([...byInput.dataSync()]).toEqual([10, 20, 130, 200, 300]);
    tf.dispose([x, dy, filter, byFilter, byInput]);
  });

  test('any shape, stride and padding gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution(), (convolution) => checkGradients(convolution)),
      { numRuns: 120, seed: 1 },
    );
  });

  test('channels first gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution(), (convolution) => checkGradients(convolution, 'NCHW')),
      { numRuns: 20, seed: 2 },
    );
  });

  test('several bands of images and of rows, and sums split for their length', async () => {
    const attrs = { strides: [1, 1], pad: 'same' as const };
    const shapes = (
      batch: number,
      size: number,
      kernel: number,
      inChannels: number,
      outChannels: number,
    ) => ({
      x: [batch, size, size, inChannels],
      filter: [kernel, kernel, inChannels, outChannels],
      dy: [batch, size, size, outChannels],
      attrs,
    });
    await checkGradients(shapes(5, 24, 3, 3, 4));
    await checkGradients(shapes(1, 70, 3, 2, 3));
    await checkGradients(shapes(1, 70, 1, 2, 3));
    await checkGradients(shapes(3, 15, 3, 4, 8));
    await checkGradients(shapes(1, 20, 1, 8, 16));
    await checkGradients(shapes(1, 3, 3, 2, 600));
  });

  test('conv2dTranspose and its gradients give the cpu result', async () => {
    const { cpu, wasm } = await onBothBackends(() => {
      const filter = filled([3, 3, 4, 5], 2) as tf.Tensor4D;
      const weights = filled([2, 10, 8, 4], 3);
      const loss = (x: tf.Tensor, f: tf.Tensor) =>
        tf
          .conv2dTranspose(x as tf.Tensor4D, f as tf.Tensor4D, [2, 10, 8, 4], 2, 'same')
          .mul(weights)
          .sum<tf.Scalar>();
      const { value, grads } = tf.valueAndGrads(loss)([filled([2, 5, 4, 5], 1), filter]);
      return tf.concat1d([value.reshape([1]), ...grads.map((gradient) => gradient.flatten())]);
    });
    expectClose(wasm, cpu, { relative: 1e-5, absolute: 1e-6 });
  });
});
