import { resizeFeatures, type FeatureExtractor, type FeatureLevel, type InputTransform } from '@dskd/core';
import { summarizeImageStudent, type ImageStudentOptions } from '@dskd/models';
import * as tf from '@tensorflow/tfjs-core';

/** Leaves images as they are: RGB, 0..1. */
export const IMAGE_AS_IT_IS: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  standardDeviation: [1, 1, 1],
};

const image = (channels: number): FeatureLevel => ({ name: 'image', channels, stride: 1 });

/** Luma of ITU-R BT.601, as Pillow and OpenCV make gray images. */
const GRAY = [0.299, 0.587, 0.114];

/** What a network reads of an image. */
interface ImageReading {
  readonly channels: number;
  readonly size?: readonly [number, number];
}

/** What this network reads: gray images or RGB, of the size of its input or of one of its own. */
export function imageReading(student: ImageStudentOptions): ImageReading {
  const [height, width, channels] = summarizeImageStudent(student).inputShape;
  const isOwn = height === student.inputSize[0] && width === student.inputSize[1];
  return { channels, ...(!isOwn && { size: [height, width] as const }) };
}

/**
 * An extractor whose first level is the image itself, transformed, before the levels of a teacher where there is one. A
 * student of it reads the image; the training loop shuffles, caches and resumes with it as with any features.
 * @param transform of the image, in RGB; the teacher keeps its own.
 * @param teacher stays the caller's: `dispose` leaves it alone.
 * @param reads what the network reads of an image: channels, 1 for a gray one, made after the transform; and the size
 * `[height, width]` to which the image is brought (half-pixel centers, no antialiasing), default its own.
 */
export function imageExtractor(
  transform: InputTransform,
  teacher: FeatureExtractor | undefined,
  { channels, size }: ImageReading = { channels: 3 },
): FeatureExtractor {
  const { scale, mean, standardDeviation } = transform;
  const factor = standardDeviation.map((deviation) => scale / deviation);
  const offset = mean.map((value, channel) => value / standardDeviation[channel]!);
  const isIdentity = transform === IMAGE_AS_IT_IS;
  return {
    name: teacher ? `image and ${teacher.name}` : 'image',
    levels: [image(channels), ...(teacher?.levels ?? [])],
    inputTransform: transform,
    outputShapes: (inputSize) => [
      [...(size ?? inputSize), channels],
      ...(teacher?.outputShapes([inputSize[0], inputSize[1]]) ?? []),
    ],
    async extract(images) {
      const features = (await teacher?.extract(images)) ?? [];
      const read = tf.tidy(() => {
        const transformed = isIdentity
          ? images.clone()
          : tf.sub<tf.Tensor4D>(tf.mul(images, tf.tensor1d(factor)), tf.tensor1d(offset));
        const seen =
          channels === 3 ? transformed : tf.sum<tf.Tensor4D>(tf.mul(transformed, tf.tensor1d(GRAY)), 3, true);
        return size ? resizeFeatures(seen, size) : seen;
      });
      return [read, ...features];
    },
    dispose: () => undefined,
  };
}
