import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../layers/batch-norm.js';
import { convolution } from '../layers/convolution.js';
import {
  chain,
  elements,
  type ForwardMode,
  type Layer,
  type MapShape,
  type NetworkPlan,
} from '../layers/network-plan.js';
import { fitMap } from '../layers/tensor-ops.js';
import { upsample } from '../layers/upsample.js';
import { residualStage } from './residual-stage.js';
import type { GccbVariant, StudentArchitecture } from './student-config.js';

type Condensing = (plan: NetworkPlan, name: string, shape: MapShape) => Layer;

/** A convolution with a kernel as large as the map, and its transpose, computed as two matrix products. */
const full: Condensing = (plan, name, shape) => {
  const [height, width, channels] = shape;
  const condense = plan.parameter({
    name: `${name}.condense.weight`,
    torchShape: [channels, channels, height, width],
    layout: 'convolution',
    initial: { kind: 'normal', deviation: Math.sqrt(2 / elements(shape)) },
    trainable: true,
  });
  const restore = plan.parameter({
    name: `${name}.restore.weight`,
    torchShape: [channels, channels, height, width],
    layout: 'restore',
    initial: { kind: 'uniform', bound: 1 / Math.sqrt(elements(shape)) },
    trainable: true,
  });
  const size = elements(shape);
  plan.cost(`${name}.condense`, [1, 1, channels], size * channels, channels);
  plan.cost(`${name}.restore`, shape, size * channels, size);
  return {
    shape,
    apply: (x) => {
      const vector = tf.matMul(tf.reshape(x, [x.shape[0], size]), condense.as2D(size, channels));
      return tf.reshape(tf.matMul(vector, restore.as2D(channels, size)), x.shape);
    },
  };
};

/** The same for each channel separately: a weighted sum over the positions, and an outer product. */
const depthwise: Condensing = (plan, name, shape) => {
  const [height, width, channels] = shape;
  const positions = height * width;
  const condense = plan.parameter({
    name: `${name}.condense.weight`,
    torchShape: [channels, 1, height, width],
    layout: 'depthwise',
    initial: { kind: 'normal', deviation: Math.sqrt(2 / elements(shape)) },
    trainable: true,
  });
  const restore = plan.parameter({
    name: `${name}.restore.weight`,
    torchShape: [channels, 1, height, width],
    layout: 'depthwise',
    initial: { kind: 'uniform', bound: 1 / Math.sqrt(positions) },
    trainable: true,
  });
  plan.cost(`${name}.condense`, [1, 1, channels], elements(shape), channels);
  plan.cost(`${name}.restore`, shape, elements(shape), elements(shape));
  return {
    shape,
    apply: (x) => {
      const rows = tf.reshape(x, [x.shape[0], positions, channels]);
      const vector = tf.sum(tf.mul(rows, condense.as2D(positions, channels)), 1, true);
      return tf.reshape(tf.mul(vector, restore.as2D(positions, channels)), x.shape);
    },
  };
};

/** The mean over the positions, copied to every position. */
const pool: Condensing = (plan, name, shape) => {
  const [height, width, channels] = shape;
  plan.cost(`${name}.pool`, [1, 1, channels], 0, channels);
  return {
    shape,
    apply: (x) => tf.mul(tf.mean<tf.Tensor4D>(x, [1, 2], true), tf.ones([1, height, width, 1])),
  };
};

/** 3x3 convolutions halve the map until one position is left; 2x2 transposed convolutions double it again. */
const pyramid: Condensing = (plan, name, shape) => {
  const [height, width, outputs] = shape;
  const steps = Math.ceil(Math.log2(Math.max(height, width)));
  const layers: Layer[] = [{ shape, apply: (x) => x }];
  const shapes: MapShape[] = [shape];
  for (let step = 1; step <= steps; step++) {
    const down = convolution(plan, `${name}.down${step}`, shapes.at(-1)!, { outputs, kernel: 3, stride: 2 });
    layers.push(down);
    // The last step gives one vector for each image: no batch norm.
    if (step < steps) layers.push(batchNorm(plan, `${name}.down_bn${step}`, down.shape, { relu: true }));
    shapes.push(down.shape);
  }
  for (let step = 1; step <= steps; step++) {
    const from = shapes.at(-step)!;
    const [rows, columns] = shapes.at(-step - 1)!;
    const up = upsample(plan, `${name}.up${step}`, from, [rows, columns], outputs);
    layers.push(up);
    // The batch norm after the last step is `restore_bn` of the block.
    if (step < steps) layers.push(batchNorm(plan, `${name}.up_bn${step}`, up.shape, { relu: true }));
  }
  return chain(...(layers as [Layer, ...Layer[]]));
};

const VARIANTS: Readonly<Record<Exclude<GccbVariant, 'none'>, Condensing>> = {
  full,
  depthwise,
  pool,
  pyramid,
};

/**
 * Global context condensing block: a 1x1 convolution to `channels` (g in the paper) unless the map has that many,
 * one vector for the whole map, the restored map, and a 1x1 convolution back to the channels of the map. Batch norm
 * and ReLU follow each map, not the vector. The paper does not specify the kernels (docs/decisions/0006).
 * @returns undefined for `none`.
 */
function gccb(
  plan: NetworkPlan,
  name: string,
  shape: MapShape,
  { variant, channels }: { readonly variant: GccbVariant; readonly channels: number },
): Layer | undefined {
  if (variant === 'none') return undefined;
  if (!Object.hasOwn(VARIANTS, variant)) {
    const wanted = [...Object.keys(VARIANTS), 'none'].join(', ');
    throw new DskdError('invalid-config', `Got the GCCB variant '${variant as string}', wanted ${wanted}.`);
  }
  if (!Number.isInteger(channels) || channels < 1) {
    throw new DskdError('invalid-config', `Got ${channels} GCCB channels, wanted a positive integer.`);
  }
  const projected = (suffix: string, input: MapShape, outputs: number): Layer => {
    const layer = convolution(plan, `${name}.${suffix}`, input, { outputs, kernel: 1, stride: 1 });
    return chain(layer, batchNorm(plan, `${name}.${suffix}_bn`, layer.shape, { relu: true }));
  };
  const narrow = channels !== shape[2];
  const reduce = narrow ? [projected('reduce', shape, channels)] : [];
  const inner: MapShape = [shape[0], shape[1], channels];
  const condensing = VARIANTS[variant](plan, name, inner);
  const restored = chain(condensing, batchNorm(plan, `${name}.restore_bn`, inner, { relu: true }));
  const expand = narrow ? [projected('expand', inner, shape[2])] : [];
  const all = chain(...([...reduce, restored, ...expand] as [Layer, ...Layer[]]));
  return { shape: all.shape, apply: (x, mode) => tf.tidy(() => all.apply(x, mode)) };
}

/** Computes the embedding, the input of the decoder, from the teacher's features (from shallow to deep). */
export interface Bottleneck {
  readonly shape: MapShape;
  apply(features: readonly tf.Tensor4D[], mode: ForwardMode): tf.Tensor4D;
}

function embedding(plan: NetworkPlan, name: string, input: MapShape, architecture: StudentArchitecture) {
  const { block, innerRatio, phiChannels, bottleneckBlocks } = architecture;
  return residualStage(plan, name, input, {
    block,
    innerRatio,
    outputs: phiChannels,
    blocks: bottleneckBlocks,
    resampling: { kind: 'halve' },
  });
}

/**
 * OCBE of the local branch (RD4AD's `BN_layer`): 3x3 convolutions bring each level to the size of the deepest, the
 * levels are concatenated, and a residual stage of stride 2 computes the embedding. RD4AD's `conv4` and `bn4`,
 * which RD4AD never uses, are left out.
 */
export function localBottleneck(
  plan: NetworkPlan,
  maps: readonly MapShape[],
  halvings: readonly boolean[],
  architecture: StudentArchitecture,
): Bottleneck {
  const deepest = maps.at(-1)!;
  let index = 0;
  const paths = maps.slice(0, -1).map((map, level) => {
    const steps: Layer[] = [];
    let shape = map;
    for (let next = level + 1; next < maps.length; next++) {
      index++;
      const [height, width] = maps[next]!;
      const step = convolution(plan, `bottleneck.conv${index}`, shape, {
        outputs: architecture.fusionWidths[next - 1]!,
        kernel: 3,
        stride: halvings[next - 1] ? 2 : 1,
      });
      const fitted: MapShape = [height, width, step.shape[2]];
      const fit: Layer = { shape: fitted, apply: (x) => fitMap(x, height, width) };
      steps.push(step, fit, batchNorm(plan, `bottleneck.bn${index}`, fitted, { relu: true }));
      shape = fitted;
    }
    return chain(...(steps as [Layer, ...Layer[]]));
  });
  const fused: MapShape = [
    deepest[0],
    deepest[1],
    paths.reduce((sum, path) => sum + path.shape[2], deepest[2]),
  ];
  plan.cost('bottleneck.fusion', fused, 0, elements(fused));
  const stage = embedding(plan, 'bottleneck.bn_layer', fused, architecture);
  return {
    shape: stage.shape,
    apply: (features, mode) =>
      tf.tidy(() => {
        const arrived = features.map((x, level) => paths[level]?.apply(x, mode) ?? x);
        return stage.apply(arrived.length === 1 ? arrived[0]! : tf.concat(arrived, 3), mode);
      }),
  };
}

/**
 * OCBE of the global branch: a fourth residual stage (named `layer4`, as in the teacher) on the deepest level,
 * followed by the global context condensing block.
 */
export function globalBottleneck(
  plan: NetworkPlan,
  maps: readonly MapShape[],
  architecture: StudentArchitecture,
): Bottleneck {
  const stage = embedding(plan, 'bottleneck.layer4', maps.at(-1)!, architecture);
  const condensing = gccb(plan, 'gccb', stage.shape, architecture.gccb);
  const both = condensing ? chain(stage, condensing) : stage;
  return { shape: both.shape, apply: (features, mode) => both.apply(features.at(-1)!, mode) };
}
