import { summariseStudent } from '@dskd/models';
import { estimateMemory, overfullHeaps, type MemoryEstimate } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { planBranches } from './plan-branches.js';
import { TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

const FLOAT_BYTES = 4;

/** Bytes of one picture's teacher features, all levels. */
export function featureBytesPerPicture({
  teacher,
  inputSize = TRAINING_DEFAULTS.inputSize,
}: TrainDetectorOptions): number {
  return teacher.extractor
    .outputShapes(inputSize)
    .reduce((sum, shape) => sum + FLOAT_BYTES * shape.reduce((product, side) => product * side, 1), 0);
}

/**
 * What training needs at its peak, before anything is allocated: on wasm each heap ends at 4 GiB. A run with
 * its own `runner` is taken to have a heap per student.
 * @param pictures how many are trained on.
 */
export function estimateTrainingMemory(options: TrainDetectorOptions, pictures: number): MemoryEstimate {
  const { teacher, batchSize = TRAINING_DEFAULTS.batchSize, featureCacheBytes, runner } = options;
  return estimateMemory({
    teacherBytes: [...(teacher.weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0),
    students: planBranches(options).map(({ name, student }) => ({ name, ...summariseStudent(student) })),
    batchSize,
    featureBytesPerPicture: featureBytesPerPicture(options),
    pictures,
    backend: tf.getBackend(),
    workers: runner !== undefined,
    ...(featureCacheBytes !== undefined && { cacheBytes: featureCacheBytes }),
  });
}

/** Whether every heap stays within its limit, and all of it within `availableBytes`. */
export function fits(estimate: MemoryEstimate, availableBytes = Infinity): boolean {
  return overfullHeaps(estimate).length === 0 && estimate.total <= availableBytes;
}
