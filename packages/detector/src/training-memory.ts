import { summariseStudent } from '@dskd/models';
import { estimateMemory, type MemoryEstimate } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchPlan } from './branches.js';
import type { TrainDetectorOptions } from './training-options.js';

const FLOAT_BYTES = 4;

/**
 * What training these branches needs at its peak, before anything is allocated: on wasm each heap ends at
 * 4 GiB. A run with its own `runner` is taken to have a heap per student.
 */
export function estimateTrainingMemory(
  { teacher, batchSize, featureCacheBytes, runner }: TrainDetectorOptions & { readonly batchSize: number },
  plans: readonly BranchPlan[],
  inputSize: readonly [number, number],
  pictures: number,
): MemoryEstimate {
  const { extractor, weights } = teacher;
  const featureValues = extractor
    .outputShapes(inputSize)
    .reduce((sum, shape) => sum + shape.reduce((product, side) => product * side, 1), 0);
  return estimateMemory({
    teacherBytes: [...(weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0),
    students: plans.map(({ name, student }) => ({ name, ...summariseStudent(student) })),
    batchSize,
    featureBytesPerPicture: featureValues * FLOAT_BYTES,
    pictures,
    backend: tf.getBackend(),
    workers: runner !== undefined,
    ...(featureCacheBytes !== undefined && { cacheBytes: featureCacheBytes }),
  });
}
