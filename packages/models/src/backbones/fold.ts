import { toFloat32, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { Convolution } from './plan.js';

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
 * The tensors of one convolution with its batch norm folded in (float64, rounded once), from torch's layout
 * to tfjs's.
 * @param reverseInputs takes its input channels in reverse order: RGB images for a BGR network.
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
