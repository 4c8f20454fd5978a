import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { registerWasmGradients } from './index.js';

type Shape4D = [number, number, number, number];
type Padding = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

interface Case {
  readonly batch: number;
  readonly input: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: [number, number];
  readonly channels: readonly [number, number];
  readonly pad: Padding;
}

/** Deterministic values in -1..1. */
function filled(shape: number[], seed: number): tf.Tensor {
  return tf.randomUniform(shape, -1, 1, 'float32', seed);
}

async function onBackend(name: 'cpu' | 'wasm', kernel: () => tf.Tensor): Promise<Float32Array> {
  await useBackend(name);
  return expectNoNewTensors(() => tf.tidy(() => kernel().dataSync<'float32'>()));
}

async function expectWasmEqualsCpu(kernel: () => tf.Tensor): Promise<void> {
  const wanted = await onBackend('cpu', kernel);
  expectClose(await onBackend('wasm', kernel), wanted, { relative: 1e-5, absolute: 1e-6 });
}

function run(name: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
}

async function check({ batch, input, kernel, strides, channels, pad }: Case): Promise<void> {
  const x: Shape4D = [batch, ...input, channels[0]];
  const filterShape: Shape4D = [...kernel, ...channels];
  const rounding = typeof pad === 'string' ? undefined : 'floor';
  const info = tf.backend_util.computeConv2DInfo(x, filterShape, strides, 1, pad, rounding);
  if (info.outHeight < 1 || info.outWidth < 1) return;
  const attrs = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: rounding };
  await expectWasmEqualsCpu(() =>
    run('Conv2DBackpropFilter', { x: filled(x, 1), dy: filled(info.outShape, 2) }, { ...attrs, filterShape }),
  );
  await expectWasmEqualsCpu(() =>
    run(
      'Conv2DBackpropInput',
      { dy: filled(info.outShape, 2), filter: filled(filterShape, 3) },
      { ...attrs, inputShape: x },
    ),
  );
}

const side = fc.integer({ min: 1, max: 9 });
const small = fc.integer({ min: 1, max: 4 });
const amount = fc.integer({ min: 0, max: 3 });
const padding: fc.Arbitrary<Padding> = fc.oneof(
  fc.constantFrom('same' as const, 'valid' as const),
  amount,
  fc.tuple(amount, amount, amount, amount).map(
    ([t, b, l, r]): Padding => [
      [0, 0],
      [t, b],
      [l, r],
      [0, 0],
    ],
  ),
);

describe('conv2d gradients', () => {
  beforeAll(() => {
    registerWasmGradients();
  });

  test('any shape, stride and padding gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          batch: fc.integer({ min: 1, max: 3 }),
          input: fc.tuple(side, side),
          kernel: fc.tuple(small, small),
          strides: fc.tuple(small, small),
          channels: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
          pad: padding,
        }),
        check,
      ),
      { numRuns: 200, seed: 1 },
    );
  });
});
