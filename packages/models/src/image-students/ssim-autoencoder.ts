import * as tf from '@tensorflow/tfjs-core';
import { condensing, doubling, halving, restoring, smoothing } from '../layers/biased.js';
import { type Layer, type MapShape, NetworkPlan } from '../layers/network-plan.js';
import type { PlannedNetwork } from './planned-student.js';

/** The autoencoder that Bergmann et al. (2018) train with structural similarity. */
export interface SsimAutoencoderOptions {
  readonly kind: 'ssim-autoencoder';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** 1 for gray images, 3 for RGB; values in 0..1. */
  readonly channels: 1 | 3;
  /** Channels of its first layer; those of the others are one, two or four times as many. */
  readonly width: number;
  /** Length of the vector between encoder and decoder. */
  readonly latent: number;
  readonly seed: number;
}

const SLOPE = 0.2;
/** The paper's side; a map of this size is halved four times, a larger one once more for each doubling. */
const SIDE = 128;

interface Step {
  /** `halve` the map, or keep its size. */
  readonly halve: boolean;
  /** In units of the width. */
  readonly channels: number;
}

/** The encoder but for its last layer. */
function stepsFor([height, width]: readonly [number, number]): Step[] {
  const more = Math.max(0, Math.ceil(Math.log2(Math.max(height, width) / SIDE)));
  const halve = (channels: number): Step => ({ halve: true, channels });
  const keep = (channels: number): Step => ({ halve: false, channels });
  const first = Array.from({ length: 2 + more }, () => halve(1));
  return [...first, keep(1), halve(2), keep(2), halve(4), keep(2), keep(1)];
}

/**
 * Plans the network of Bergmann et al. (2018), Table 1, as the code plutoyuxie/AutoEncoder-SSIM-for-unsupervised-anomaly-detection-
 * (network.py) has it: 4x4 convolutions with stride 2 and 3x3 ones, leaky ReLUs of slope 0.2, one vector whose layer is linear, the
 * same backwards, and a sigmoid.
 */
export function planSsimAutoencoder(options: SsimAutoencoderOptions): PlannedNetwork {
  const { inputSize, channels, width, latent } = options;
  const plan = new NetworkPlan();
  const input: MapShape = [inputSize[0], inputSize[1], channels];
  const steps = stepsFor(inputSize);
  const encoder: Layer[] = [];
  let shape = input;
  for (const [index, step] of steps.entries()) {
    const layerOf = step.halve ? halving : smoothing;
    const outputs = step.channels * width;
    const layer = layerOf(plan, `encoder.conv${index + 1}`, shape, { outputs, slope: SLOPE });
    encoder.push(layer);
    ({ shape } = layer);
  }
  const code = condensing(plan, 'encoder.code', shape, { outputs: latent, slope: null });
  const [height, columns, deepest] = shape;
  const decoder = [
    restoring(plan, 'decoder.restore', latent, [height, columns], { outputs: deepest, slope: SLOPE }),
  ];
  for (let index = steps.length - 1; index >= 0; index--) {
    const before = index === 0 ? input : encoder[index - 1]!.shape;
    const to = { outputs: before[2], slope: index === 0 ? null : SLOPE };
    const name = `decoder.conv${steps.length - index}`;
    const from = decoder.at(-1)!.shape;
    decoder.push(
      steps[index]!.halve
        ? doubling(plan, name, from[2], [before[0], before[1]], to)
        : smoothing(plan, name, from, to),
    );
  }
  const layers = [...encoder, code, ...decoder];
  return {
    plan,
    shapes: [input],
    firstTarget: 0,
    apply: (images, mode) => [
      tf.sigmoid(layers.reduce<tf.Tensor4D>((x, layer) => layer.apply(x, mode), images)),
    ],
  };
}
