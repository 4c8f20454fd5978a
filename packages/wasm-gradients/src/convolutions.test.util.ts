import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { filled, onBothBackends, runKernel } from './on-both-backends.test.util.js';

type Shape4D = [number, number, number, number];
export type Padding = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

/** Shapes of a convolution's input, filter and output, NHWC, and the attributes its kernels take. */
export interface Convolution {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly dy: readonly number[];
  readonly attrs: { readonly pad: Padding; readonly strides: readonly number[] };
}

const amount = fc.integer({ min: 0, max: 3 });
const explicit = ([t, b, l, r]: readonly number[]): tf.backend_util.ExplicitPadding => [
  [0, 0],
  [t!, b!],
  [l!, r!],
  [0, 0],
];

/** Paddings with a word, or of so many rows and columns on each side. */
export const anyPaddingOfSides = (
  side: fc.Arbitrary<number>,
): fc.Arbitrary<'same' | 'valid' | tf.backend_util.ExplicitPadding> =>
  fc.oneof(
    fc.constantFrom('same' as const, 'valid' as const),
    fc.tuple(side, side, side, side).map(explicit),
  );

/** Every kind of padding. */
export const anyPadding: fc.Arbitrary<Padding> = fc.oneof(amount, anyPaddingOfSides(amount));

/** Small convolutions of every kind; strides larger than the kernel and padding larger than it included. */
export function anyConvolution(depthwise = false): fc.Arbitrary<Convolution> {
  const side = fc.integer({ min: 1, max: 9 });
  const small = fc.integer({ min: 1, max: 4 });
  // Multiples of 4 and 8 take another path than the rest.
  const channels = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(8, 16));
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 3 }),
      size: fc.tuple(side, side),
      kernel: fc.tuple(small, small),
      strides: fc.tuple(small, small),
      channels: fc.tuple(channels, depthwise ? small : channels),
      pad: anyPadding,
    })
    .map(({ batch, size, kernel, strides, channels: [inChannels, outChannels], pad }) => {
      const x: Shape4D = [batch, ...size, inChannels];
      const filter: Shape4D = [...kernel, inChannels, outChannels];
      const dimRoundingMode = typeof pad === 'string' ? undefined : ('floor' as const);
      const { outShape } = tf.backend_util.computeConv2DInfo(
        x,
        filter,
        strides,
        1,
        pad,
        dimRoundingMode,
        depthwise,
      );
      return { x, filter, dy: outShape, attrs: { strides, pad, dimRoundingMode, dilations: [1, 1] } };
    })
    .filter(({ dy }) => dy.every((length) => length > 0));
}

const CLOSE = { relative: 1e-5, absolute: 1e-6 };

/** Both gradients on wasm are those of cpu, and leak nothing. */
export async function checkGradients(
  { x, filter, dy, attrs }: Convolution,
  dataFormat: 'NHWC' | 'NCHW' = 'NHWC',
): Promise<void> {
  const order = <T>([b, h, w, c]: readonly T[]): T[] =>
    dataFormat === 'NHWC' ? [b!, h!, w!, c!] : [b!, c!, h!, w!];
  const pad = Array.isArray(attrs.pad) ? order<readonly number[]>(attrs.pad) : attrs.pad;
  const filterGradient = await onBothBackends(() =>
    runKernel(
      'Conv2DBackpropFilter',
      { x: filled(order(x), 1), dy: filled(order(dy), 2) },
      { ...attrs, pad, dataFormat, filterShape: filter },
    ),
  );
  expectClose(filterGradient.wasm, filterGradient.cpu, CLOSE);
  const inputGradient = await onBothBackends(() =>
    runKernel(
      'Conv2DBackpropInput',
      { dy: filled(order(dy), 2), filter: filled(filter, 3) },
      { ...attrs, pad, dataFormat, inputShape: order(x) },
    ),
  );
  expectClose(inputGradient.wasm, inputGradient.cpu, CLOSE);
}
