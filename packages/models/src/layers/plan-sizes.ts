import { elements, type NetworkPlan } from './network-plan.js';

/** Size and cost of a network, by arithmetic alone. */
export interface NetworkSizes {
  /** Number of trainable parameters. */
  readonly parameters: number;
  /** Number of running statistics. */
  readonly buffers: number;
  /** Multiply-accumulate operations of the forward pass of one image, in 1e9. */
  readonly gmac: number;
  /** Bytes of activations that a training step keeps for the backward pass, per image. */
  readonly activationBytesPerImage: number;
  /** Bytes of the largest parameter. */
  readonly largestParameterBytes: number;
  /** Bytes of the largest layer's output for one image. */
  readonly largestMapBytesPerImage: number;
}

/** The sizes of a planned network. */
export function planSizes(plan: NetworkPlan): NetworkSizes {
  const count = (trainable: boolean): number =>
    plan.slots.reduce((sum, slot) => sum + (slot.spec.trainable === trainable ? slot.size : 0), 0);
  return {
    parameters: count(true),
    buffers: count(false),
    gmac: plan.costs.reduce((sum, layer) => sum + layer.macs, 0) / 1e9,
    activationBytesPerImage: plan.costs.reduce((sum, layer) => sum + 4 * layer.keptElements, 0),
    largestParameterBytes: 4 * Math.max(...plan.slots.map((slot) => slot.size)),
    largestMapBytesPerImage: 4 * Math.max(...plan.costs.map(({ shape }) => elements(shape))),
  };
}
