import { DskdError } from '@dskd/base';
import { type StateDict, toFloat32 } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { type Convolution, convolutionsOf, type Plan, type Stage } from './plan.js';
import { selectLevels } from './registry.js';

const NORM_TENSORS = ['weight', 'bias', 'running_mean', 'running_var'];

function requiredTensors(stages: readonly Stage[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const convolution of stages.flatMap((stage) => stage.blocks.flatMap(convolutionsOf))) {
    const { name, norm, inputs, outputs, kernel } = convolution;
    shapes.set(`${name}.weight`, [outputs, inputs, kernel, kernel]);
    if (norm === undefined) shapes.set(`${name}.bias`, [outputs]);
    else for (const tensor of NORM_TENSORS) shapes.set(`${norm}.${tensor}`, [outputs]);
  }
  return shapes;
}

/**
 * Returns the names and shapes of the tensors that a backbone needs, up to the deepest level: torchvision's names,
 * torch's shapes (filters are `[outputs, inputs, height, width]`).
 * @throws {DskdError} `invalid-argument` for an unknown name or level.
 */
export function backboneWeightShapes(
  name: string,
  { levels }: { readonly levels?: readonly string[] } = {},
): Map<string, number[]> {
  return requiredTensors(selectLevels(name, levels).stages);
}

/** The same tensors by the names of the plan, where a file has the other public names. */
export function withOwnNames({ otherNames }: Plan, weights: StateDict): StateDict {
  if (!otherNames) return weights;
  const names = [...otherNames];
  if (names.some(([own, other]) => weights.has(`${own}.weight`) || !weights.has(`${other}.weight`))) {
    return weights;
  }
  const renamed: StateDict = new Map(weights);
  for (const [own, other] of names) {
    for (const part of ['weight', 'bias']) {
      const tensor = weights.get(`${other}.${part}`);
      renamed.delete(`${other}.${part}`);
      if (tensor) renamed.set(`${own}.${part}`, tensor);
    }
  }
  return renamed;
}

const LISTED = 12;

/** @throws {DskdError} `weights-mismatch`, with all tensors that are missing or have another shape. */
export function checkWeights(name: string, stages: readonly Stage[], weights: StateDict): void {
  const problems: string[] = [];
  for (const [tensor, shape] of requiredTensors(stages)) {
    const got = weights.get(tensor);
    if (!got) problems.push(`'${tensor}' [${shape.join(', ')}] is missing`);
    else if (got.shape.length !== shape.length || got.shape.some((side, axis) => side !== shape[axis])) {
      problems.push(`'${tensor}' is [${got.shape.join(', ')}], wanted [${shape.join(', ')}]`);
    }
  }
  if (problems.length === 0) return;
  const more = problems.length > LISTED ? `; and ${problems.length - LISTED} more` : '';
  throw new DskdError(
    'weights-mismatch',
    `These are not weights of ${name}: ${problems.slice(0, LISTED).join('; ')}${more}.`,
    {
      hint: "Names and shapes must be torchvision's; check the network's name and that no prefix is in front.",
      details: { problems },
    },
  );
}

export interface FoldedConvolution {
  /** `[height, width, inputs, outputs]` */
  readonly filter: tf.Tensor4D;
  /** `[outputs]` */
  readonly bias: tf.Tensor1D;
}

/** Scale and shift per output channel, float64: the batch norm in eval mode, or the bias alone. */
function affineOf({ name, norm, outputs }: Convolution, weights: StateDict, epsilon: number) {
  // Presence and shapes were checked before.
  const values = (tensor: string): Float32Array => toFloat32(weights.get(tensor)!);
  const scale = new Float64Array(outputs).fill(1);
  if (norm === undefined) return { scale, shift: Float64Array.from(values(`${name}.bias`)) };
  const [gamma, beta] = [values(`${norm}.weight`), values(`${norm}.bias`)];
  const [mean, variance] = [values(`${norm}.running_mean`), values(`${norm}.running_var`)];
  const shift = new Float64Array(outputs);
  for (let channel = 0; channel < outputs; channel++) {
    scale[channel] = gamma[channel]! / Math.sqrt(variance[channel]! + epsilon);
    shift[channel] = beta[channel]! - mean[channel]! * scale[channel]!;
  }
  return { scale, shift };
}

/**
 * Folds the batch norm into one convolution (in float64, rounded once) and converts it from torch's layout to tfjs's.
 * @param reverseInputs reverses the order of the input channels, so that a BGR network takes RGB images.
 */
export function foldConvolution(
  convolution: Convolution,
  weights: StateDict,
  epsilon: number,
  reverseInputs: boolean,
): FoldedConvolution {
  const { name, inputs, outputs, kernel } = convolution;
  const { scale, shift } = affineOf(convolution, weights, epsilon);
  const source = toFloat32(weights.get(`${name}.weight`)!);
  const filter = new Float32Array(source.length);
  const taps = kernel * kernel;
  let from = 0;
  for (let output = 0; output < outputs; output++) {
    const factor = scale[output]!;
    for (let i = 0; i < inputs; i++) {
      const input = reverseInputs ? inputs - 1 - i : i;
      for (let tap = 0; tap < taps; tap++) {
        filter[(tap * inputs + input) * outputs + output] = source[from++]! * factor;
      }
    }
  }
  return {
    filter: tf.tensor4d(filter, [kernel, kernel, inputs, outputs]),
    bias: tf.tensor1d(Float32Array.from(shift)),
  };
}
