import type { FeatureExtractor, FeatureLevel, InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** Leaves images as they are: RGB, 0..1. */
export const IMAGE_AS_IT_IS: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  standardDeviation: [1, 1, 1],
};

const IMAGE: FeatureLevel = { name: 'image', channels: 3, stride: 1 };

/**
 * An extractor whose first level is the image itself, transformed, before the levels of a teacher where there is one. A
 * student of it reads the image; the training loop shuffles, caches and resumes with it as with any features.
 * @param transform of the image, in RGB; the teacher keeps its own.
 * @param teacher stays the caller's: `dispose` leaves it alone.
 */
export function imageExtractor(
  transform: InputTransform,
  teacher: FeatureExtractor | undefined,
): FeatureExtractor {
  const { scale, mean, standardDeviation } = transform;
  const factor = standardDeviation.map((deviation) => scale / deviation);
  const offset = mean.map((value, channel) => value / standardDeviation[channel]!);
  const isIdentity = transform === IMAGE_AS_IT_IS;
  return {
    name: teacher ? `image and ${teacher.name}` : 'image',
    levels: [IMAGE, ...(teacher?.levels ?? [])],
    inputTransform: transform,
    outputShapes: (inputSize) => [
      [inputSize[0], inputSize[1], 3],
      ...(teacher?.outputShapes([inputSize[0], inputSize[1]]) ?? []),
    ],
    async extract(images) {
      const features = (await teacher?.extract(images)) ?? [];
      const image = isIdentity
        ? images.clone()
        : tf.tidy(() => tf.sub<tf.Tensor4D>(tf.mul(images, tf.tensor1d(factor)), tf.tensor1d(offset)));
      return [image, ...features];
    },
    dispose: () => undefined,
  };
}
