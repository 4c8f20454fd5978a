import { DskdError } from '@dskd/base';
import type * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../layers/batch-norm.js';
import { leakyRelu } from '../layers/biased.js';
import { convolution } from '../layers/convolution.js';
import { halvingByMaximum } from '../layers/halving-by-maximum.js';
import { type Layer, type MapShape, NetworkPlan } from '../layers/network-plan.js';
import type { PlannedNetwork } from './planned-student.js';

/** A plain stack of convolutions that predicts a teacher's levels from the image. */
export interface ClonerOptions {
  readonly kind: 'cloner';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** Channels of the convolutions between the levels. */
  readonly width: number;
  /** The teacher's, shallow to deep; strides are powers of two and do not fall. */
  readonly levels: readonly { readonly stride: number; readonly channels: number }[];
  readonly seed: number;
}

/** A ReLU that keeps only its result for the gradient. */
function relu(shape: MapShape): Layer {
  return { shape, apply: (x) => leakyRelu(x, 0) };
}

/** How many halvings lead from one stride to the next. */
function halvings(from: number, to: number): number {
  const steps = Math.log2(to / from);
  if (Number.isInteger(steps) && steps >= 0) return steps;
  throw new DskdError(
    'invalid-argument',
    `A cloner cannot halve its map from stride ${from} to stride ${to}.`,
    { hint: 'Take levels whose strides are powers of two, shallow to deep.', details: { from, to } },
  );
}

/**
 * Plans the cloner of Salehi et al. (CVPR 2021), a VGG-16 with few channels, after rohban-lab/Knowledge_Distillation_AD
 * (models/network.py): stages of 3x3 convolutions without bias, two in each of the first two stages and three in the others,
 * with batch norm and ReLU, and max pooling between. The last convolution of a stage has no batch norm. A level is what leaves
 * the pooling that brings the map to its stride; the last convolution before has its channels. A level of the stride of the one
 * before is a stage without pooling.
 * @throws {DskdError} `invalid-argument` for strides that are no powers of two or fall.
 */
export function planCloner({ inputSize, width, levels }: ClonerOptions): PlannedNetwork {
  const plan = new NetworkPlan();
  let shape: MapShape = [inputSize[0], inputSize[1], 3];
  let stages = 0;
  let convolutions = 0;
  const add = (layers: Layer[], layer: Layer): void => {
    layers.push(layer);
    ({ shape } = layer);
  };
  const addStage = (layers: Layer[], outputs: number, isPooled: boolean): void => {
    const count = stages < 2 ? 2 : 3;
    for (let i = 1; i <= count; i++) {
      convolutions += 1;
      const to = { outputs: i === count ? outputs : width, kernel: 3, stride: 1 } as const;
      add(layers, convolution(plan, `conv${convolutions}`, shape, to));
      add(layers, i < count ? batchNorm(plan, `bn${convolutions}`, shape, { relu: true }) : relu(shape));
    }
    stages += 1;
    if (isPooled) add(layers, halvingByMaximum(plan, `pool${stages}`, shape));
  };
  const parts = levels.map(({ stride, channels }, index) => {
    const layers: Layer[] = [];
    const steps = halvings(index === 0 ? 1 : levels[index - 1]!.stride, stride);
    for (let step = 1; step < steps; step++) addStage(layers, width, true);
    addStage(layers, channels, steps > 0);
    return { layers, shape };
  });
  return {
    plan,
    shapes: parts.map((part) => part.shape),
    firstTarget: 1,
    apply: (images, mode) => {
      const outputs: tf.Tensor4D[] = [];
      for (const { layers } of parts) {
        const from = outputs.at(-1) ?? images;
        outputs.push(layers.reduce((x, layer) => layer.apply(x, mode), from));
      }
      return outputs;
    },
  };
}
