import type { InputTransform } from '@dskd/core';

/** torchvision's ImageNet normalization. */
export const IMAGENET_RGB: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.485, 0.456, 0.406],
  standardDeviation: [0.229, 0.224, 0.225],
};

/** Caffe's, as Keras Applications uses it for ResNet-50 v1: BGR, 0..255, mean subtracted. */
export const IMAGENET_CAFFE: InputTransform = {
  channelOrder: 'bgr',
  scale: 255,
  mean: [103.939, 116.779, 123.68],
  standardDeviation: [1, 1, 1],
};
