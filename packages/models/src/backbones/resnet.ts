import { IMAGENET_CAFFE, IMAGENET_RGB } from '../input-transform.js';
import type { Block, Convolution, Plan, Stage } from './plan.js';

interface ResnetConfig {
  readonly block: 'basic' | 'bottleneck';
  /** Blocks of layer1..layer4. */
  readonly counts: readonly [number, number, number, number];
  /** Width of the 3x3 convolutions of layer1; it doubles with each layer. */
  readonly width: number;
  /** Which convolution of a bottleneck block has the stride: conv2 in torchvision (v1.5), conv1 in the paper (v1). */
  readonly strideOn: 'conv1' | 'conv2';
  readonly weights: 'torchvision' | 'keras';
}

/** He et al. 2016, Table 1; Zagoruyko and Komodakis 2016 for the wide ones. */
export const RESNETS = {
  resnet18: { block: 'basic', counts: [2, 2, 2, 2], width: 64, strideOn: 'conv1', weights: 'torchvision' },
  resnet34: { block: 'basic', counts: [3, 4, 6, 3], width: 64, strideOn: 'conv1', weights: 'torchvision' },
  resnet50: {
    block: 'bottleneck',
    counts: [3, 4, 6, 3],
    width: 64,
    strideOn: 'conv2',
    weights: 'torchvision',
  },
  resnet101: {
    block: 'bottleneck',
    counts: [3, 4, 23, 3],
    width: 64,
    strideOn: 'conv2',
    weights: 'torchvision',
  },
  wide_resnet50_2: {
    block: 'bottleneck',
    counts: [3, 4, 6, 3],
    width: 128,
    strideOn: 'conv2',
    weights: 'torchvision',
  },
  wide_resnet101_2: {
    block: 'bottleneck',
    counts: [3, 4, 23, 3],
    width: 128,
    strideOn: 'conv2',
    weights: 'torchvision',
  },
  resnet50_v1: { block: 'bottleneck', counts: [3, 4, 6, 3], width: 64, strideOn: 'conv1', weights: 'keras' },
} as const satisfies Record<string, ResnetConfig>;

/** Differences between frameworks that trained the same network. */
const TRAINED_BY = {
  torchvision: { batchNormEpsilon: 1e-5, inputTransform: IMAGENET_RGB },
  keras: { batchNormEpsilon: 1.001e-5, inputTransform: IMAGENET_CAFFE },
};

const STEM: Stage = {
  name: 'stem',
  blocks: [
    {
      kind: 'convolution',
      convolution: {
        name: 'conv1',
        norm: 'bn1',
        inputs: 3,
        outputs: 64,
        kernel: 7,
        stride: 2,
        padding: 3,
        relu: true,
      },
    },
    { kind: 'max-pool', padding: 1, ceil: false },
  ],
};

/** One block of a residual network; the shortcut is a convolution where the block changes size or channels. */
function residualBlock(
  { block, strideOn }: Pick<ResnetConfig, 'block' | 'strideOn'>,
  name: string,
  inputs: number,
  width: number,
  outputs: number,
  stride: number,
): Block {
  const rows =
    block === 'basic'
      ? ([
          [3, outputs],
          [3, outputs],
        ] as const)
      : ([
          [1, width],
          [3, width],
          [1, outputs],
        ] as const);
  const strideAt = strideOn === 'conv1' ? 0 : 1;
  let channels = inputs;
  const body = rows.map(([kernel, rowOutputs], index): Convolution => {
    const convolution = {
      name: `${name}.conv${index + 1}`,
      norm: `${name}.bn${index + 1}`,
      inputs: channels,
      outputs: rowOutputs,
      kernel,
      stride: index === strideAt ? stride : 1,
      padding: (kernel - 1) / 2,
      relu: index < rows.length - 1,
    };
    channels = rowOutputs;
    return convolution;
  });
  if (stride === 1 && inputs === outputs) return { kind: 'residual', body };
  const shortcut = {
    name: `${name}.downsample.0`,
    norm: `${name}.downsample.1`,
    inputs,
    outputs,
    kernel: 1,
    stride,
    padding: 0,
    relu: false,
  };
  return { kind: 'residual', body, shortcut };
}

/** The plan of a residual network, stem to layer4, under torchvision's names. */
export function resnetPlan(config: ResnetConfig): Plan {
  const stages: Stage[] = [STEM];
  let inputs = 64;
  for (const [index, count] of config.counts.entries()) {
    const name = `layer${index + 1}`;
    const outputs = (config.block === 'basic' ? 64 : 256) * 2 ** index;
    const blocks: Block[] = [];
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && index > 0 ? 2 : 1;
      blocks.push(residualBlock(config, `${name}.${i}`, inputs, config.width * 2 ** index, outputs, stride));
      inputs = outputs;
    }
    stages.push({ name, blocks, level: { channels: outputs, stride: 4 * 2 ** index } });
  }
  return { stages, defaultLevels: ['layer1', 'layer2', 'layer3'], ...TRAINED_BY[config.weights] };
}

interface TinyConfig {
  readonly stem: number;
  /** Channels of the three levels, at strides 4, 8, 16. */
  readonly widths: readonly [number, number, number];
  /** Basic blocks of each level. */
  readonly blocks: number;
}

/**
 * Small networks for CPUs and browsers: a stem of stride 2 and three stages of basic blocks, each of which begins
 * with a stride of 2. Without pooling, every layer can be trained on all backends. Widths are multiples of 8, the
 * tile size of the fast wasm kernels.
 */
export const TINY_NETWORKS = {
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
