import type { InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** An input transform as `image * factor - offset`. Both are `[3]` and in RGB order, also for a BGR network. */
export interface AffineInput {
  readonly factor: tf.Tensor1D;
  readonly offset: tf.Tensor1D;
}

/** Converts an input transform to factor and offset. The caller disposes both tensors. */
export function affineInput({ channelOrder, scale, mean, standardDeviation }: InputTransform): AffineInput {
  const channels = channelOrder === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  return {
    factor: tf.tensor1d(channels.map((channel) => scale / standardDeviation[channel]!)),
    offset: tf.tensor1d(channels.map((channel) => mean[channel]! / standardDeviation[channel]!)),
  };
}

/** torchvision's ImageNet normalization. */
export const IMAGENET_RGB: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.485, 0.456, 0.406],
  standardDeviation: [0.229, 0.224, 0.225],
};

/** Caffe's normalization, which Keras Applications uses for ResNet-50 v1: BGR, 0..255, mean subtracted. */
export const IMAGENET_CAFFE: InputTransform = {
  channelOrder: 'bgr',
  scale: 255,
  mean: [103.939, 116.779, 123.68],
  standardDeviation: [1, 1, 1],
};
