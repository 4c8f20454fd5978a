import { IMAGENET_RGB } from '../input-transform.js';
import type { Block, Convolution, Plan, Stage } from './plan.js';

interface SqueezenetConfig {
  readonly stem: number;
  /** torchvision's `features.N`: `[squeeze, expand1x1, expand3x3]` of a fire module, or a pooling. */
  readonly features: readonly (readonly [index: number, block: readonly [number, number, number] | 'pool'])[];
  readonly defaultLevels: readonly string[];
}

/**
 * Iandola et al. 2016, version 1.1, with the stem padded by 1 (torchvision does not pad it): a side of 256 then
 * gives 64, 32 and 16 positions, as in the residual networks. Pooling is as in torchvision: no padding, ceil_mode.
 */
export const SQUEEZENETS = {
  squeezenet1_1: {
    stem: 64,
    features: [
      [2, 'pool'],
      [3, [16, 64, 64]],
      [4, [16, 64, 64]],
      [5, 'pool'],
      [6, [32, 128, 128]],
      [7, [32, 128, 128]],
      [8, 'pool'],
      [9, [48, 192, 192]],
      [10, [48, 192, 192]],
      [11, [64, 256, 256]],
      [12, [64, 256, 256]],
    ],
    defaultLevels: ['features.4', 'features.7', 'features.12'],
  },
} as const satisfies Record<string, SqueezenetConfig>;

function convolution(name: string, inputs: number, outputs: number, kernel: number): Convolution {
  return { name, inputs, outputs, kernel, stride: 1, padding: (kernel - 1) / 2, relu: true };
}

function fireModule(
  name: string,
  inputs: number,
  [squeeze, one, three]: readonly [number, number, number],
): Block {
  return {
    kind: 'fire',
    squeeze: convolution(`${name}.squeeze`, inputs, squeeze, 1),
    expansions: [
      convolution(`${name}.expand1x1`, squeeze, one, 1),
      convolution(`${name}.expand3x3`, squeeze, three, 3),
    ],
  };
}

/** The plan of a SqueezeNet's `features`, under torchvision's names; every fire module is a level. */
export function squeezenetPlan(config: SqueezenetConfig): Plan {
  const stem = { ...convolution('features.0', 3, config.stem, 3), stride: 2 };
  const stages: Stage[] = [{ name: stem.name, blocks: [{ kind: 'convolution', convolution: stem }] }];
  let channels = config.stem;
  let stride = 2;
  for (const [index, block] of config.features) {
    const name = `features.${index}`;
    if (block === 'pool') {
      stages.push({ name, blocks: [{ kind: 'max-pool', padding: 0, ceil: true }] });
      stride *= 2;
    } else {
      stages.push({
        name,
        blocks: [fireModule(name, channels, block)],
        level: { channels: block[1] + block[2], stride },
      });
      channels = block[1] + block[2];
    }
  }
  return {
    stages,
    defaultLevels: config.defaultLevels,
    batchNormEpsilon: 0,
    inputTransform: IMAGENET_RGB,
  };
}
