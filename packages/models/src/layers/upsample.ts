import * as tf from '@tensorflow/tfjs-core';
import { fitMap } from './tensor-ops.js';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

/**
 * Interleaves the rows of two tensors: two `[rows, 1, width]` give `[rows, 2, width]`, reshaped to `result`. As one
 * operation with a custom gradient it keeps no copy of its inputs.
 */
function interleave(
  [first, second]: readonly tf.Tensor[],
  rows: number,
  result: [number, number, number, number],
): tf.Tensor4D {
  const operation = tf.customGrad((...args) => {
    const halves = args.slice(0, 2) as tf.Tensor[];
    return {
      value: tf.reshape(
        tf.concat(
          halves.map((half) => tf.reshape(half, [rows, 1, -1])),
          1,
        ),
        result,
      ),
      gradFunc: (dy: tf.Tensor): tf.Tensor[] =>
        tf.split(tf.reshape(dy, [rows, 2, -1]), 2, 1).map((half, i) => tf.reshape(half, halves[i]!.shape)),
    };
  });
  return operation(first!, second!) as tf.Tensor4D;
}

/**
 * torch's ConvTranspose2d with a 2x2 kernel, stride 2 and no bias, cropped or extended to `[height, width]`. The
 * windows do not overlap, so each of the two output rows of an input row is one matrix product.
 */
export function upsample(
  plan: NetworkPlan,
  name: string,
  [rows, columns, inputs]: MapShape,
  [height, width]: readonly [number, number],
  outputs: number,
): Layer {
  const weight = plan.parameter({
    name: `${name}.weight`,
    torchShape: [inputs, outputs, 2, 2],
    layout: 'upsample',
    // torch's default: kaiming-uniform (a = sqrt 5) with the fan of the output.
    initial: { kind: 'uniform', bound: 1 / Math.sqrt(outputs * 4) },
    trainable: true,
  });
  const shape: MapShape = [height, width, outputs];
  const doubled = 4 * rows * columns * outputs;
  const fitted = height === 2 * rows && width === 2 * columns ? 0 : elements(shape);
  plan.cost(name, shape, inputs * doubled, doubled + fitted);
  return {
    shape,
    apply: (input) =>
      tf.tidy(() => {
        const batch = input.shape[0];
        const positions = tf.reshape(input, [batch * rows * columns, inputs]);
        const matrices = weight.as2D(2 * inputs, 2 * outputs);
        // Not unstack: on wasm it copies element by element.
        const halves = [0, inputs].map((row) =>
          tf.matMul<tf.Tensor2D>(positions, tf.slice(matrices, [row, 0], [inputs, -1])),
        );
        const doubled = interleave(halves, batch * rows, [batch, 2 * rows, 2 * columns, outputs]);
        return fitMap(doubled, height, width);
      }),
  };
}
