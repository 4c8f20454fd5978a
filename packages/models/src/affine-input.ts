import type { InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** An input transform as `image * factor - offset`, both `[3]`, in RGB whatever the network reads. */
export interface AffineInput {
  readonly factor: tf.Tensor1D;
  readonly offset: tf.Tensor1D;
}

/** The caller disposes both tensors. */
export function affineInput({ channelOrder, scale, mean, standardDeviation }: InputTransform): AffineInput {
  const channels = channelOrder === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  return {
    factor: tf.tensor1d(channels.map((channel) => scale / standardDeviation[channel]!)),
    offset: tf.tensor1d(channels.map((channel) => mean[channel]! / standardDeviation[channel]!)),
  };
}
