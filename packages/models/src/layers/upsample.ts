import * as tf from '@tensorflow/tfjs-core';
import { fitMap } from './fit-map.js';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

/**
 * torch's ConvTranspose2d with a 2x2 kernel, stride 2 and no bias, then cropped or extended to
 * `[height, width]`. The windows do not overlap: each of the two output rows of an input row is one matrix
 * product, and their rows interleave.
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
    // torch's default: kaiming-uniform (a = sqrt 5), where the fan of a transposed convolution is its output's.
    initial: { kind: 'uniform', bound: 1 / Math.sqrt(outputs * 4) },
    trainable: true,
  });
  const shape: MapShape = [height, width, outputs];
  plan.cost(name, shape, rows * columns * inputs * outputs * 4, elements(shape));
  return {
    shape,
    apply: (input) =>
      tf.tidy(() => {
        const batch = input.shape[0];
        const positions = tf.reshape(input, [batch * rows * columns, inputs]);
        const halves = tf
          .unstack(tf.reshape(weight.variable, [2, inputs, 2 * outputs]))
          .map((matrix) =>
            tf.reshape(tf.matMul(positions, matrix as tf.Tensor2D), [batch * rows, 1, columns * 2 * outputs]),
          );
        const doubled = tf.reshape(tf.concat(halves, 1), [batch, 2 * rows, 2 * columns, outputs]);
        return fitMap(doubled as tf.Tensor4D, height, width);
      }),
  };
}
