import { randomStream } from '@dskd/base';
import { backboneInfo, namedTeacher, type Teacher } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import type { ImageSet } from '@dskd/training';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { FitInput } from '../contract.js';

/** SqueezeNet with weights from the integer formula. */
export function tinyTeacher(): Teacher {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo('squeezenet1_1').weightShapes()) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return namedTeacher('squeezenet1_1', weights, 'a'.repeat(64));
}

/** Replaces parts of the preset `nano`. */
export const TINY_ARCHITECTURE = { decoderWidths: [4, 8, 8], fusionWidths: [4, 8], phiChannels: 16 };

/** Options of the smallest students, trained for one epoch. */
export const TINY = {
  preset: 'nano',
  architecture: TINY_ARCHITECTURE,
  epochs: 1,
  batchSize: 4,
} as const;

/** Noise, `[indices.length, 32, 32, 3]`; the caller disposes it. */
export function tinyBatch(indices: readonly number[]): tf.Tensor4D {
  const values = indices.map((index) => {
    const random = randomStream(index, 'image');
    return Float32Array.from({ length: 32 * 32 * 3 }, () => random.uniform());
  });
  const data = new Float32Array(indices.length * 32 * 32 * 3);
  for (const [index, image] of values.entries()) data.set(image, index * image.length);
  return tf.tensor4d(data, [indices.length, 32, 32, 3]);
}

/** A fit on eight images of noise. */
export function tinyInput(teacher: Teacher): FitInput {
  const trainingImages: ImageSet = {
    length: 8,
    changesEachEpoch: false,
    batch: (indices) => Promise.resolve(tinyBatch(indices)),
  };
  return {
    images: 8,
    inputSize: [32, 32],
    teacher,
    seed: 3,
    imagesChange: false,
    execution: {},
    trainingImages,
    run: {},
  };
}
