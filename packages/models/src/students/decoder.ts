import * as tf from '@tensorflow/tfjs-core';
import { convolution } from '../layers/convolution.js';
import type { ForwardMode, MapShape, NetworkPlan } from '../layers/network-plan.js';
import type { StudentArchitecture } from './student-config.js';
import { residualStage } from './residual-stage.js';

/** Predicts the teacher's features (from shallow to deep) from the embedding. */
export type Decoder = (embedding: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D[];

/**
 * The decoder of a student (RD4AD's `de_*`): stage `layer1` predicts the deepest level, `layer2` the next, and so
 * on. With heads, a 1x1 convolution follows each stage: `head1` gives the channels of the shallowest level.
 */
export function decoder(
  plan: NetworkPlan,
  input: MapShape,
  maps: readonly MapShape[],
  halvings: readonly boolean[],
  architecture: StudentArchitecture,
): Decoder {
  const { block, innerRatio, decoderWidths, decoderBlocks, heads } = architecture;
  const deepToShallow = maps.map((_, level) => level).reverse();
  let shape = input;
  const stages = deepToShallow.map((level, index) => {
    const [height, width] = maps[level]!;
    const doubles = index === 0 || halvings[level]!;
    const stage = residualStage(plan, `decoder.layer${index + 1}`, shape, {
      block,
      innerRatio,
      outputs: decoderWidths[level]!,
      blocks: decoderBlocks[index] ?? decoderBlocks.at(-1)!,
      resampling: doubles ? { kind: 'double', size: [height, width] } : { kind: 'keep' },
    });
    shape = stage.shape;
    return stage;
  });
  const outputs = heads
    ? maps.map(([height, width, outputs], level) =>
        convolution(plan, `decoder.head${level + 1}`, [height, width, decoderWidths[level]!], {
          outputs,
          kernel: 1,
          stride: 1,
          bias: true,
        }),
      )
    : undefined;
  return (embedding, mode) => {
    let x = embedding;
    const restored = stages.map((stage) => (x = stage.apply(x, mode))).reverse();
    return outputs ? restored.map((map, level) => outputs[level]!.apply(map, mode)) : restored;
  };
}
