import type * as tf from '@tensorflow/tfjs-core';
import { NetworkPlan, type MapShape } from '../layers/network-plan.js';
import { uninformedNetwork, type PatchSide } from '../patch-networks/patch-layers.js';
import { planPatchNetwork } from '../patch-networks/plan-patch-network.js';

/** One of the uninformed students: it sees a patch at each position. */
export interface PatchStudentOptions {
  readonly kind: 'patch';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** Side of its patches in pixels. */
  readonly side: PatchSide;
  /** Channels of its first three convolutions. */
  readonly widths: readonly [number, number, number];
  /** Channels of the target. */
  readonly channels: number;
  /** Slope of the leaky ReLU. */
  readonly slope: number;
  readonly seed: number;
}

/** Plans a strided patch network of an image that is standardized already. */
export function planPatchStudent({ inputSize, side, widths, channels, slope }: PatchStudentOptions): {
  readonly plan: NetworkPlan;
  readonly shape: MapShape;
  readonly apply: (images: tf.Tensor4D) => tf.Tensor4D[];
} {
  const plan = new NetworkPlan();
  const network = uninformedNetwork(side, inputSize, { widths, outputs: channels, slope });
  const student = planPatchNetwork(plan, 'student', [inputSize[0], inputSize[1], 3], network);
  const mode = { training: true, batchNormMomentum: 0 };
  return { plan, shape: student.shape, apply: (images) => [student.apply(images, mode)] };
}
