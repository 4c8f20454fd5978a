import { IMAGENET_RGB } from './input-transforms.js';
import type { Plan, Stage } from './plan.js';
import { residualBlock } from './resnet.js';

interface TinyConfig {
  readonly stem: number;
  /** Channels of the three levels, at strides 4, 8, 16. */
  readonly widths: readonly [number, number, number];
  /** Basic blocks a level. */
  readonly blocks: number;
}

/**
 * Small networks of our own, for CPUs and browsers: a stride-2 stem and three stages of basic blocks, each of
 * which begins with a stride of 2. There is no pooling, so every layer can be trained here, and widths are
 * multiples of 8, the tile of the fast wasm kernels.
 */
export const TINIES = {
  'teacher-tiny': { stem: 32, widths: [40, 80, 160], blocks: 2 },
} as const satisfies Record<string, TinyConfig>;

/** The plan of a tiny network under torchvision's names of a ResNet: conv1, bn1, layer1 to layer3. */
export function tinyPlan({ stem, widths, blocks }: TinyConfig): Plan {
  const first = {
    name: 'conv1',
    norm: 'bn1',
    inputs: 3,
    outputs: stem,
    kernel: 3,
    stride: 2,
    padding: 1,
    relu: true,
  };
  const stages: Stage[] = [{ name: 'stem', blocks: [{ kind: 'convolution', convolution: first }] }];
  let inputs = stem;
  for (const [index, width] of widths.entries()) {
    const name = `layer${index + 1}`;
    stages.push({
      name,
      blocks: Array.from({ length: blocks }, (_, block) =>
        residualBlock(
          { block: 'basic', strideOn: 'conv1' },
          `${name}.${block}`,
          block === 0 ? inputs : width,
          width,
          width,
          block === 0 ? 2 : 1,
        ),
      ),
      level: { channels: width, stride: 4 * 2 ** index },
    });
    inputs = width;
  }
  return {
    stages,
    defaultLevels: ['layer1', 'layer2', 'layer3'],
    batchNormEpsilon: 1e-5,
    inputTransform: IMAGENET_RGB,
  };
}
