import { IMAGENET_RGB } from '../input-transform.js';
import { PATCH_STRIDE, pdnNetwork, type PdnSize } from '../patch-networks/patch-layers.js';
import type { Convolution, Plan, Stage } from './plan.js';

interface PdnConfig {
  readonly size: PdnSize;
  readonly widths: readonly [number, number];
  readonly outputs: number;
  /** Indices of the convolutions in the `nn.Sequential` of nelson1425/EfficientAD. */
  readonly indices: readonly number[];
}

/** Teachers of EfficientAD, as its public weights have them. */
export const PDN_NETWORKS = {
  'pdn-small': { size: 'small', widths: [128, 256], outputs: 384, indices: [0, 3, 6, 8] },
  'pdn-medium': { size: 'medium', widths: [256, 512], outputs: 384, indices: [0, 3, 6, 8, 10, 12] },
} as const satisfies Record<string, PdnConfig>;

/** The plan of a patch description network without padding, as EfficientAD uses it, under the names of anomalib. */
export function pdnPlan({ size, widths, outputs, indices }: PdnConfig): Plan {
  const { layers } = pdnNetwork(size, { widths, outputs, padded: false });
  const stages: Stage[] = [];
  let inputs = 3;
  let convolutions = 0;
  for (const layer of layers) {
    if (layer.kind === 'pool') {
      stages.push({ name: `pool${convolutions}`, blocks: [{ kind: 'average-pool' }] });
      continue;
    }
    convolutions += 1;
    const convolution: Convolution = {
      name: `conv${convolutions}`,
      inputs,
      outputs: layer.outputs,
      kernel: layer.kernel,
      stride: 1,
      padding: layer.padding,
      relu: layer.active,
    };
    stages.push({ name: convolution.name, blocks: [{ kind: 'convolution', convolution }] });
    inputs = layer.outputs;
  }
  const deepest = stages.pop()!;
  return {
    stages: [...stages, { ...deepest, level: { channels: outputs, stride: PATCH_STRIDE } }],
    defaultLevels: [deepest.name],
    batchNormEpsilon: 0,
    inputTransform: IMAGENET_RGB,
    otherNames: new Map(indices.map((index, place) => [`conv${place + 1}`, String(index)])),
  };
}
