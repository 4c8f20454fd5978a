import { elements, type LayerCost, type NetworkPlan } from '../layers/network-plan.js';
import type { StudentConfig } from './student-config.js';

/** What a student is made of and costs. */
export interface StudentSummary {
  readonly preset: string;
  readonly branch: string;
  /** Trainable numbers. */
  readonly parameters: number;
  /** Running statistics. */
  readonly buffers: number;
  /** Giga multiply-adds of one image's forward pass. */
  readonly gmac: number;
  /** Bytes of activations that a training step keeps for the backward pass, per image. */
  readonly activationBytesPerImage: number;
  /** Bytes of the largest parameter. */
  readonly largestParameterBytes: number;
  /** Bytes of the largest layer's output for one image. */
  readonly largestMapBytesPerImage: number;
  readonly layers: readonly LayerCost[];
  /** A table for people. */
  toString(): string;
}

export function summarize(plan: NetworkPlan, config: StudentConfig): StudentSummary {
  const count = (trainable: boolean): number =>
    plan.slots.reduce((sum, slot) => sum + (slot.spec.trainable === trainable ? slot.size : 0), 0);
  const parameters = count(true);
  const gmac = plan.costs.reduce((sum, layer) => sum + layer.macs, 0) / 1e9;
  const activationBytesPerImage = plan.costs.reduce((sum, layer) => sum + 4 * layer.keptElements, 0);
  const toString = (): string => {
    const rows = plan.costs
      .filter((layer) => layer.macs > 0)
      .map(
        ({ name, shape, macs }) =>
          `${name.padEnd(36)}${shape.join('x').padStart(14)}${(macs / 1e6).toFixed(1).padStart(10)} M`,
      );
    const title = `${config.preset} ${config.branch} student for ${config.inputSize.join('x')}`;
    const total =
      `${(parameters / 1e6).toFixed(2)} M parameters, ${gmac.toFixed(3)} GMAC and ` +
      `${(activationBytesPerImage / 2 ** 20).toFixed(1)} MiB of activations an image`;
    return [title, `${'layer'.padEnd(36)}${'output'.padStart(14)}${'MAC'.padStart(12)}`, ...rows, total].join(
      '\n',
    );
  };
  return {
    preset: config.preset,
    branch: config.branch,
    parameters,
    buffers: count(false),
    gmac,
    activationBytesPerImage,
    largestParameterBytes: 4 * Math.max(...plan.slots.map((slot) => slot.size)),
    largestMapBytesPerImage: 4 * Math.max(...plan.costs.map(({ shape }) => elements(shape))),
    layers: plan.costs,
    toString,
  };
}
