import type { FeatureExtractor, InputTransform } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';
import { imageExtractor } from '../image-students/image-extractor.js';
import type { TeacherEmbedding } from '../image-students/teacher-embedding.js';

/**
 * The image and the target that its students predict. Of pairs of images, one above the other, it gives targets one above the
 * other.
 * @param embedding stays the caller's: `dispose` leaves it alone.
 */
export function targetExtractor(
  transform: InputTransform,
  embedding: TeacherEmbedding,
  inputSize: Size,
): FeatureExtractor {
  const [height, width] = inputSize;
  const ofPairs: FeatureExtractor = {
    ...pick(embedding),
    async extract(images) {
      if (images.shape[1] !== 2 * height) return embedding.extract(images);
      const size = images.shape[0];
      const halves = tf.tidy(() =>
        tf.concat(
          [0, height].map((from) => tf.slice(images, [0, from, 0, 0], [size, height, width, 3])),
          0,
        ),
      );
      const [targets] = await embedding.extract(halves).finally(() => halves.dispose());
      const pairs = tf.tidy(() => tf.concat(tf.split<tf.Tensor4D>(targets!, 2, 0), 1));
      targets!.dispose();
      return [pairs];
    },
  };
  return imageExtractor(transform, ofPairs);
}

function pick(embedding: TeacherEmbedding): FeatureExtractor {
  const { name, levels, inputTransform } = embedding;
  return {
    name,
    levels,
    inputTransform,
    outputShapes: (size) => embedding.outputShapes(size),
    extract: (images) => embedding.extract(images),
    dispose: () => undefined,
  };
}
