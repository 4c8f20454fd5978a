// Convolutions with a bias, optionally followed by a leaky ReLU, as networks without batch norm have them.
import * as tf from '@tensorflow/tfjs-core';
import { addBias } from './tensor-ops.js';
import {
  elements,
  type ForwardMode,
  type Layer,
  type MapShape,
  type NetworkPlan,
  type ParameterSlot,
} from './network-plan.js';

interface BiasedOptions {
  readonly outputs: number;
  /** Slope of a leaky ReLU for negative values. Null: a linear layer. */
  readonly slope: number | null;
}

/** `max(x, slope x)`. Keeps only its result for the gradient. */
export function leakyRelu(x: tf.Tensor4D, slope: number): tf.Tensor4D {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as [tf.Tensor4D, tf.GradSaveFunc];
    const value = tf.leakyRelu(input, slope);
    save([value]);
    // The result has the sign of the input.
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => tf.mul(dy, tf.step(saved[0]!, slope)));
    return { value, gradFunc };
  });
  return operation(x);
}

/** A parameter of He's deviation for `fan` products per output. */
function weightOf(
  plan: NetworkPlan,
  name: string,
  torchShape: readonly number[],
  fan: number,
): ParameterSlot {
  const initial = { kind: 'normal', deviation: Math.sqrt(2 / fan) } as const;
  return plan.parameter({
    name: `${name}.weight`,
    torchShape,
    layout: 'convolution',
    initial,
    trainable: true,
  });
}

/** What every layer here ends with. Of a part of the output channels, `from` is the first. */
function ending(
  plan: NetworkPlan,
  name: string,
  { outputs, slope }: BiasedOptions,
): (x: tf.Tensor4D, from?: number) => tf.Tensor4D {
  const bias = plan.parameter({
    name: `${name}.bias`,
    torchShape: [outputs],
    layout: 'vector',
    initial: { kind: 'constant', value: 0 },
    trainable: true,
  });
  return (x, from = 0) => {
    const count = x.shape[3];
    const rows: tf.Tensor2D = tf.reshape(x, [x.size / count, count]);
    const all = bias.variable as tf.Tensor1D;
    const own = count === outputs ? all : tf.slice(all, from, count);
    const biased: tf.Tensor4D = tf.reshape(addBias(rows, own), x.shape);
    return slope === null ? biased : leakyRelu(biased, slope);
  };
}

function layerOf(
  plan: NetworkPlan,
  name: string,
  shape: MapShape,
  macs: number,
  apply: (input: tf.Tensor4D) => tf.Tensor4D,
): Layer {
  plan.cost(name, shape, macs, elements(shape));
  return { shape, apply: (input) => tf.tidy(() => apply(input)) };
}

/** torch's Conv2d with a 4x4 kernel, stride 2 and padding 1; an odd side is rounded up. */
export function halving(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  options: BiasedOptions,
): Layer {
  const { outputs } = options;
  const weight = weightOf(plan, name, [outputs, inputs, 4, 4], 16 * inputs);
  const end = ending(plan, name, options);
  const shape: MapShape = [Math.ceil(height / 2), Math.ceil(width / 2), outputs];
  return layerOf(plan, name, shape, elements(shape) * 16 * inputs, (x) =>
    end(tf.conv2d(x, weight.variable as tf.Tensor4D, 2, 'same')),
  );
}

/**
 * torch's ConvTranspose2d with a 4x4 kernel, stride 2 and padding 1, to a map of `[height, width]`, of which the input is
 * half, rounded up.
 */
export function doubling(
  plan: NetworkPlan,
  name: string,
  inputs: number,
  [height, width]: readonly [number, number],
  options: BiasedOptions,
): Layer {
  const { outputs } = options;
  // Of 16 products of the kernel four meet in each output.
  const weight = weightOf(plan, name, [inputs, outputs, 4, 4], 4 * inputs);
  const end = ending(plan, name, options);
  const shape: MapShape = [height, width, outputs];
  return layerOf(plan, name, shape, elements(shape) * 4 * inputs, (x) => {
    const filter = weight.variable as tf.Tensor4D;
    return end(tf.conv2dTranspose(x, filter, [x.shape[0], height, width, outputs], 2, 'same'));
  });
}

/** torch's Conv2d with a 3x3 kernel and padding 1. */
export function smoothing(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  options: BiasedOptions,
): Layer {
  const { outputs } = options;
  const weight = weightOf(plan, name, [outputs, inputs, 3, 3], 9 * inputs);
  const end = ending(plan, name, options);
  const shape: MapShape = [height, width, outputs];
  return layerOf(plan, name, shape, elements(shape) * 9 * inputs, (x) =>
    end(tf.conv2d(x, weight.variable as tf.Tensor4D, 1, 'same')),
  );
}

/** torch's Conv2d whose kernel is the whole map: one vector `[1, 1, outputs]` for each image. */
export function condensing(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  options: BiasedOptions,
): Layer {
  const { outputs } = options;
  const size = height * width * inputs;
  const weight = weightOf(plan, name, [outputs, inputs, height, width], size);
  const end = ending(plan, name, options);
  return layerOf(plan, name, [1, 1, outputs], size * outputs, (x) => {
    const vectors = tf.matMul<tf.Tensor2D>(tf.reshape(x, [x.shape[0], size]), weight.as2D(size, outputs));
    return end(tf.reshape(vectors, [x.shape[0], 1, 1, outputs]));
  });
}

/** torch's ConvTranspose2d from one position to a map of `[height, width]`, the kernel's size. */
export function restoring(
  plan: NetworkPlan,
  name: string,
  inputs: number,
  [height, width]: readonly [number, number],
  options: BiasedOptions,
): Layer {
  const { outputs } = options;
  const weight = plan.parameter({
    name: `${name}.weight`,
    torchShape: [inputs, outputs, height, width],
    layout: 'restore',
    initial: { kind: 'normal', deviation: Math.sqrt(2 / inputs) },
    trainable: true,
  });
  const end = ending(plan, name, options);
  const shape: MapShape = [height, width, outputs];
  return layerOf(plan, name, shape, elements(shape) * inputs, (x) => {
    const matrix = weight.as2D(inputs, elements(shape));
    const maps = tf.matMul<tf.Tensor2D>(tf.reshape(x, [x.shape[0], inputs]), matrix);
    return end(tf.reshape(maps, [x.shape[0], ...shape]));
  });
}

/** A layer whose output channels can be computed in part: `count` of them, the first of which is `from`. */
export interface PartialLayer extends Layer {
  applyPart(input: tf.Tensor4D, mode: ForwardMode, from: number, count: number): tf.Tensor4D;
}

/** torch's Conv2d with a square kernel, stride 1 and so many zeros around the map. */
export function windowed(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  { kernel, padding, ...options }: BiasedOptions & { readonly kernel: number; readonly padding: number },
): PartialLayer {
  const { outputs } = options;
  const weight = weightOf(plan, name, [outputs, inputs, kernel, kernel], kernel ** 2 * inputs);
  const end = ending(plan, name, options);
  const [rows, columns] = [height, width].map((side) => side + 2 * padding) as [number, number];
  const shape: MapShape = [rows - kernel + 1, columns - kernel + 1, outputs];
  const kept = padding === 0 ? 0 : elements([rows, columns, inputs]);
  plan.cost(name, shape, elements(shape) * kernel ** 2 * inputs, elements(shape) + kept);
  const around: [number, number] = [padding, padding];
  const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D => {
    const padded = padding === 0 ? x : tf.pad(x, [[0, 0], around, around, [0, 0]]);
    return tf.conv2d(padded, filter, 1, 'valid');
  };
  return {
    shape,
    apply: (x) => tf.tidy(() => end(convolve(x, weight.variable as tf.Tensor4D))),
    applyPart: (x, _mode, from, count) =>
      tf.tidy(() => {
        const filter = tf.slice(weight.variable, [0, 0, 0, from], [kernel, kernel, inputs, count]);
        return end(convolve(x, filter as tf.Tensor4D), from);
      }),
  };
}
