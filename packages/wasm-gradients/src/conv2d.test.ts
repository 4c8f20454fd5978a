import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { isStockWrong } from './conv2d.js';
import { anyPadding } from './convolutions.test.util.js';
import { registerWasmGradients } from './index.js';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.util.js';

interface Convolution {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly attrs: object;
}

const side = fc.integer({ min: 1, max: 11 });
const small = fc.integer({ min: 1, max: 3 });

/** Convolutions of every kind: of enough channels for the kernel of our own in most cases, and of too few. */
const anyConvolution: fc.Arbitrary<Convolution> = fc
  .record({
    batch: small,
    size: fc.tuple(side, side),
    kernel: fc.tuple(small, small),
    strides: fc.tuple(small, small),
    dilation: fc.constantFrom(1, 1, 2),
    inChannels: fc.constantFrom(3, 13, 48, 50),
    outChannels: fc.constantFrom(7, 17, 24, 70),
    pad: anyPadding,
  })
  .map(({ batch, size, kernel, strides, dilation, inChannels, outChannels, pad }) => ({
    x: [batch, ...size, inChannels],
    filter: [...kernel, inChannels, outChannels],
    attrs: {
      // As tf.conv2d: strides or dilations, not both.
      strides: dilation === 1 ? strides : [1, 1],
      dilations: [dilation, dilation],
      pad,
      dataFormat: 'NHWC',
      ...(typeof pad === 'string' ? {} : { dimRoundingMode: 'floor' }),
    },
  }))
  .filter((convolution) => {
    const { outHeight, outWidth } = infoOf(convolution);
    return outHeight > 0 && outWidth > 0;
  });

function infoOf({ x, filter, attrs }: Convolution): tf.backend_util.Conv2DInfo {
  const { strides, dilations, pad, dimRoundingMode } = attrs as unknown as tf.Conv2DAttrs;
  type Shape4D = [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(
    ...[x as Shape4D, filter as Shape4D, strides, dilations, pad, dimRoundingMode],
  );
}

const run = ({ x, filter, attrs }: Convolution): tf.Tensor =>
  runKernel('Conv2D', { x: filled(x, 1), filter: filled(filter, 2) }, attrs);

describe('conv2d', () => {
  test('gives the result of cpu, and the bits of the stock kernel where that is right', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution, async (convolution) => {
        const undo = registerWasmGradients();
        const { cpu, wasm } = await onBothBackends(() => run(convolution));
        undo();
        expectClose(wasm, cpu, { relative: 1e-5, absolute: 1e-6 });
        if (isStockWrong(infoOf(convolution))) return;
        const stock = (await onBothBackends(() => run(convolution))).wasm;
        expect(wasm).toEqual(stock);
      }),
      { numRuns: 150, seed: 3 },
    );
  });

  test('an image of several blocks of rows, and a filter that is used again', async () => {
    const undo = registerWasmGradients();
    const work = (): tf.Tensor => {
      const filter = filled([5, 3, 24, 20], 2) as tf.Tensor4D;
      const results = [1, 2, 3].map((seed) =>
        tf.conv2d(filled([1, 37, 41, 24], seed) as tf.Tensor4D, filter, 1, 'same'),
      );
      return tf.concat(results);
    };
    const { wasm } = await onBothBackends(work);
    undo();
    expect(wasm).toEqual((await onBothBackends(work)).wasm);
  });

  test.each(['linear', 'relu', 'relu6', 'elu', 'prelu'] as const)(
    'with bias and %s it gives the result of cpu, and the bits of the stock kernel',
    async (activation) => {
      const work = (): tf.Tensor =>
        tf.fused.conv2d({
          x: filled([2, 9, 7, 16], 1) as tf.Tensor4D,
          filter: filled([3, 3, 16, 20], 2) as tf.Tensor4D,
          strides: [2, 1],
          pad: 'same',
          bias: filled([20], 3),
          activation,
          ...(activation === 'prelu' && { preluActivationWeights: filled([20], 4) }),
        });
      const undo = registerWasmGradients();
      const { cpu, wasm } = await onBothBackends(work);
      undo();
      expectClose(wasm, cpu, { relative: 1e-5, absolute: 1e-6 });
      expect(wasm).toEqual((await onBothBackends(work)).wasm);
    },
  );
});
