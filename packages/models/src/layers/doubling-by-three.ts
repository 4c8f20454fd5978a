import * as tf from '@tensorflow/tfjs-core';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

/**
 * torch's ConvTranspose2d with a 3x3 kernel, stride 2, padding 1 and output padding 1, without bias, cropped to a map of
 * `[height, width]`, of which the input is half, rounded up.
 */
export function doublingByThree(
  plan: NetworkPlan,
  name: string,
  inputs: number,
  [height, width]: readonly [number, number],
  outputs: number,
): Layer {
  const weight = plan.parameter({
    name: `${name}.weight`,
    torchShape: [inputs, outputs, 3, 3],
    layout: 'convolution',
    // Of nine products of the kernel one to four, on average 9/4, meet in each output.
    initial: { kind: 'normal', deviation: Math.sqrt(8 / (9 * inputs)) },
    trainable: true,
  });
  const shape: MapShape = [height, width, outputs];
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const uncropped: MapShape = [2 * rows + 1, 2 * columns + 1, outputs];
  plan.cost(name, shape, rows * columns * 9 * inputs * outputs, elements(shape) + elements(uncropped));
  return {
    shape,
    apply: (x) =>
      tf.tidy(() => {
        const filter = weight.variable as tf.Tensor4D;
        const whole = tf.conv2dTranspose(x, filter, [x.shape[0], ...uncropped], 2, 'valid');
        // torch's padding takes the first row and column away.
        return tf.slice(whole, [0, 1, 1, 0], [-1, height, width, -1]);
      }),
  };
}
