import * as tf from '@tensorflow/tfjs-core';
import { addBias } from './tensor-ops.js';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

type ConvolutionOptions = { readonly outputs: number; readonly stride: 1 | 2 } & (
  | { readonly kernel: 3 | 7; readonly bias?: false }
  /** Without a bias by default. */
  | { readonly kernel: 1; readonly bias?: boolean }
);

/** Returns every second row and column, beginning with the first. */
function everySecond(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const isEven = height % 2 === 0 && width % 2 === 0;
  const even = isEven ? x : tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]); // prettier-ignore
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const pairs = tf.reshape(even, [batch * rows, 2, columns, 2 * channels]);
  const first = tf.slice(pairs, [0, 0, 0, 0], [batch * rows, 1, columns, channels]);
  return tf.reshape(first, [batch, rows, columns, channels]);
}

/** Padding before and after one side for an odd kernel with stride 2: torch's, as far as a window reaches it. */
function padding(side: number, kernel: number): [number, number] {
  const before = (kernel - 1) / 2;
  return [before, before - 1 + (side % 2)];
}

/**
 * torch's Conv2d with padding (kernel - 1) / 2. A 1x1 convolution is computed as a matrix product, so that its
 * gradient is one too. At stride 2 the padding is explicit, because 'same' pads the other side. At stride 1 'same'
 * equals torch's padding and needs no padded copy.
 */
export function convolution(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  { outputs, kernel, stride, bias = false }: ConvolutionOptions,
): Layer {
  const weight = plan.parameter({
    name: `${name}.weight`,
    torchShape: [outputs, inputs, kernel, kernel],
    layout: 'convolution',
    initial: { kind: 'normal', deviation: Math.sqrt(2 / (outputs * kernel * kernel)) },
    trainable: true,
  });
  const offset = bias
    ? plan.parameter({
        name: `${name}.bias`,
        torchShape: [outputs],
        layout: 'vector',
        initial: { kind: 'uniform', bound: 1 / Math.sqrt(inputs * kernel * kernel) },
        trainable: true,
      })
    : undefined;
  const shape: MapShape = [Math.ceil(height / stride), Math.ceil(width / stride), outputs];
  const readCopy =
    stride === 1
      ? 0
      : kernel === 1
        ? shape[0] * shape[1] * inputs
        : elements([height + kernel - 2 + (height % 2), width + kernel - 2 + (width % 2), inputs]);
  plan.cost(name, shape, elements(shape) * inputs * kernel * kernel, elements(shape) + readCopy);

  const pointwise = (input: tf.Tensor4D): tf.Tensor4D => {
    const read = stride === 1 ? input : everySecond(input);
    const [batch, rows, columns] = read.shape;
    const positions = tf.reshape(read, [batch * rows * columns, inputs]);
    const product = tf.matMul<tf.Tensor2D>(positions, weight.as2D(inputs, outputs));
    const result = offset ? addBias(product, offset.variable as tf.Tensor1D) : product;
    return tf.reshape(result, [batch, rows, columns, outputs]);
  };
  const windowed = (input: tf.Tensor4D): tf.Tensor4D => {
    const filter = weight.variable as tf.Tensor4D;
    if (stride === 1) return tf.conv2d(input, filter, 1, 'same');
    const [rows, columns] = [padding(input.shape[1], kernel), padding(input.shape[2], kernel)];
    const padded = tf.pad(input, [[0, 0], rows, columns, [0, 0]]);
    return tf.conv2d(padded, filter, 2, 'valid');
  };
  return { shape, apply: (input) => tf.tidy(() => (kernel === 1 ? pointwise(input) : windowed(input))) };
}
