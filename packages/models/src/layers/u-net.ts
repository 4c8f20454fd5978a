import * as tf from '@tensorflow/tfjs-core';
import { smoothing } from './biased.js';
import { convolution } from './convolution.js';
import { halvingByMaximum } from './halving-by-maximum.js';
import { chain, elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';
import { upsample } from './upsample.js';

/**
 * A U-Net (Ronneberger et al., 2015) as jvanvugt/pytorch-unet builds it with padding and `up_mode` upconv: pairs of 3x3
 * convolutions with ReLU, max pooling down, transposed 2x2 convolutions up, here without bias, joined with the map of the same
 * size on the way down; a 1x1 convolution at the end. It ends at a coarser map than its input, where that is wanted.
 * @param options.widths channels, from the input's size down; the map is halved between them.
 * @param options.halvings how many of them the output keeps: 0 for an output of the input's size.
 */
export function uNet(
  plan: NetworkPlan,
  name: string,
  input: MapShape,
  options: { readonly widths: readonly number[]; readonly halvings: number; readonly outputs: number },
): Layer {
  const { widths, halvings, outputs } = options;
  const pair = (part: string, from: MapShape, width: number): Layer => {
    const first = smoothing(plan, `${name}.${part}.1`, from, { outputs: width, slope: 0 });
    return chain(first, smoothing(plan, `${name}.${part}.2`, first.shape, { outputs: width, slope: 0 }));
  };
  const down: Layer[] = [];
  const pools: Layer[] = [];
  let shape = input;
  for (const [level, width] of widths.entries()) {
    if (level > 0) {
      const pool = halvingByMaximum(plan, `${name}.pool${level}`, shape);
      pools.push(pool);
      ({ shape } = pool);
    }
    const convolutions = pair(`down${level + 1}`, shape, width);
    down.push(convolutions);
    ({ shape } = convolutions);
  }
  const up: { double: Layer; convolutions: Layer }[] = [];
  for (let level = widths.length - 2; level >= halvings; level--) {
    const [height, width, channels] = down[level]!.shape;
    const part = `up${widths.length - 1 - level}`;
    const double = upsample(plan, `${name}.${part}.up`, shape, [height, width], channels);
    plan.cost(`${name}.${part}.join`, [height, width, 2 * channels], 0, 2 * elements(double.shape));
    const convolutions = pair(part, [height, width, 2 * channels], channels);
    up.push({ double, convolutions });
    ({ shape } = convolutions);
  }
  const last = convolution(plan, `${name}.last`, shape, { outputs, kernel: 1, stride: 1, bias: true });
  return {
    shape: last.shape,
    apply: (image, mode) =>
      tf.tidy(() => {
        const maps: tf.Tensor4D[] = [];
        for (const [level, layer] of down.entries()) {
          const from = level === 0 ? image : pools[level - 1]!.apply(maps[level - 1]!, mode);
          maps.push(layer.apply(from, mode));
        }
        let x = maps.at(-1)!;
        for (const [index, { double, convolutions }] of up.entries()) {
          const beside = maps[maps.length - 2 - index]!;
          x = convolutions.apply(tf.concat([double.apply(x, mode), beside], 3), mode);
        }
        return last.apply(x, mode);
      }),
  };
}
