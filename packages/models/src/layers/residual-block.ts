// Residual blocks before whose convolutions maps are normalized, as in improved_wgan_training's gan_64x64.py.
import * as tf from '@tensorflow/tfjs-core';
import { smoothing } from './biased.js';
import { convolution } from './convolution.js';
import { averagePool, repeatTwice } from './halve.js';
import { elements, type Layer, type MapShape, type NetworkPlan, type ParameterSlot } from './network-plan.js';
import { addBias, addMaps } from './tensor-ops.js';

/** A normalization followed by a ReLU. */
export type Normalization = (plan: NetworkPlan, name: string, shape: MapShape) => Layer;

/** Both kernels `[4, 4, ...]` of a 3x3 kernel and a 2x2 window of ones: the sum of the kernel at its four offsets. */
function widened(kernel: tf.Tensor4D): tf.Tensor4D {
  const at = (row: number, column: number): tf.Tensor4D =>
    tf.pad(kernel, [
      [row, 1 - row],
      [column, 1 - column],
      [0, 0],
      [0, 0],
    ]);
  return tf.addN([at(0, 0), at(0, 1), at(1, 0), at(1, 1)]);
}

/** A 3x3 convolution's weight, with the deviation of improved_wgan_training (tflib/ops/conv2d.py, `he_init`). */
function kernelOf(plan: NetworkPlan, name: string, inputs: number, outputs: number): ParameterSlot {
  return plan.parameter({
    name: `${name}.weight`,
    torchShape: [outputs, inputs, 3, 3],
    layout: 'convolution',
    initial: { kind: 'normal', deviation: Math.sqrt(4 / (9 * (inputs + outputs))) },
    trainable: true,
  });
}

/** A 3x3 convolution with padding 1, then the mean of each 2x2 positions: one 4x4 convolution with stride 2. */
function convolutionAndMean(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  outputs: number,
): Layer {
  const weight = kernelOf(plan, name, inputs, outputs);
  const bias = plan.parameter({
    name: `${name}.bias`,
    torchShape: [outputs],
    layout: 'vector',
    initial: { kind: 'constant', value: 0 },
    trainable: true,
  });
  const shape: MapShape = [height / 2, width / 2, outputs];
  plan.cost(name, shape, elements(shape) * 16 * inputs, 2 * elements(shape));
  return {
    shape,
    apply: (x) =>
      tf.tidy(() => {
        const filter = tf.mul<tf.Tensor4D>(widened(weight.variable as tf.Tensor4D), 0.25);
        const y = tf.conv2d(x, filter, 2, 'same');
        const rows = tf.reshape<tf.Rank.R2>(y, [y.size / outputs, outputs]);
        return tf.reshape<tf.Rank.R4>(addBias(rows, bias.variable as tf.Tensor1D), y.shape);
      }),
  };
}

/** Each position four times, then a 3x3 convolution with padding 1: one transposed 4x4 convolution with stride 2. */
function repeatAndConvolution(
  plan: NetworkPlan,
  name: string,
  [height, width, inputs]: MapShape,
  outputs: number,
): Layer {
  const weight = kernelOf(plan, name, inputs, outputs);
  const shape: MapShape = [2 * height, 2 * width, outputs];
  plan.cost(name, shape, elements(shape) * 4 * inputs, elements(shape));
  return {
    shape,
    apply: (x) =>
      tf.tidy(() => {
        const turned = tf.reverse(weight.variable as tf.Tensor4D, [0, 1]);
        const filter = tf.transpose(widened(turned), [0, 1, 3, 2]);
        return tf.conv2dTranspose(x, filter, [x.shape[0], ...shape], 2, 'same');
      }),
  };
}

/**
 * Halves a map with even sides: normalization, 3x3 convolution without bias, normalization, 3x3 convolution, mean of each 2x2
 * positions; beside it the mean of each 2x2 positions and a 1x1 convolution. The sum of both.
 */
export function residualDown(
  plan: NetworkPlan,
  name: string,
  shape: MapShape,
  outputs: number,
  normalization: Normalization,
): Layer {
  const [height, width, inputs] = shape;
  const half: MapShape = [height / 2, width / 2, inputs];
  const shortcut = convolution(plan, `${name}.shortcut`, half, { outputs, kernel: 1, stride: 1, bias: true });
  const first = normalization(plan, `${name}.norm1`, shape);
  const conv = convolution(plan, `${name}.conv1`, shape, { outputs: inputs, kernel: 3, stride: 1 });
  const second = normalization(plan, `${name}.norm2`, shape);
  const last = convolutionAndMean(plan, `${name}.conv2`, shape, outputs);
  return {
    shape: last.shape,
    apply: (x, mode) =>
      tf.tidy(() => {
        const inner = second.apply(conv.apply(first.apply(x, mode), mode), mode);
        return addMaps(shortcut.apply(averagePool(x, 0), mode), last.apply(inner, mode));
      }),
  };
}

/**
 * Doubles a map: normalization, each position four times, 3x3 convolution without bias, normalization, 3x3 convolution; beside it
 * a 1x1 convolution and each position four times, which is the same in the other order. The sum of both.
 */
export function residualUp(
  plan: NetworkPlan,
  name: string,
  shape: MapShape,
  outputs: number,
  normalization: Normalization,
): Layer {
  const shortcut = convolution(plan, `${name}.shortcut`, shape, {
    outputs,
    kernel: 1,
    stride: 1,
    bias: true,
  });
  const first = normalization(plan, `${name}.norm1`, shape);
  const conv = repeatAndConvolution(plan, `${name}.conv1`, shape, outputs);
  const second = normalization(plan, `${name}.norm2`, conv.shape);
  const last = smoothing(plan, `${name}.conv2`, conv.shape, { outputs, slope: null });
  return {
    shape: last.shape,
    apply: (x, mode) =>
      tf.tidy(() => {
        const inner = second.apply(conv.apply(first.apply(x, mode), mode), mode);
        return addMaps(repeatTwice(shortcut.apply(x, mode)), last.apply(inner, mode));
      }),
  };
}
