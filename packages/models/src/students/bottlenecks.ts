import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../layers/batch-norm.js';
import { convolution } from '../layers/convolution.js';
import { fitMap } from '../layers/fit-map.js';
import {
  chain,
  elements,
  type ForwardMode,
  type Layer,
  type MapShape,
  type NetworkPlan,
} from '../layers/network-plan.js';
import type { StudentArchitecture } from './architecture.js';
import { gccb } from './gccb.js';
import { residualStage } from './residual-stage.js';

/** From the teacher's features, shallow to deep, to the embedding that the decoder starts from. */
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
 * OCBE of the local branch (RD4AD's `BN_layer`): each shallower level comes down to the deepest by 3x3
 * convolutions, the levels are concatenated, and a residual stage of stride 2 embeds them.
 * RD4AD's `conv4` and `bn4`, which it never uses, are left out.
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
 * OCBE of the global branch: a fourth residual stage (named as the teacher's, `layer4`) on the deepest
 * level, then the global context condensing block.
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
