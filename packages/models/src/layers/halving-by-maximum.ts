import * as tf from '@tensorflow/tfjs-core';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

/** torch's MaxPool2d of 2x2 windows with `ceil_mode`: an odd side is rounded up. */
export function halvingByMaximum(
  plan: NetworkPlan,
  name: string,
  [height, width, channels]: MapShape,
): Layer {
  const shape: MapShape = [Math.ceil(height / 2), Math.ceil(width / 2), channels];
  plan.cost(name, shape, 0, elements(shape));
  return { shape, apply: (x) => tf.maxPool(x, 2, 2, 'same') };
}
