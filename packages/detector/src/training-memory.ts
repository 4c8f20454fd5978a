import { summarizeStudent } from '@dskd/models';
import { estimateMemory, exceededLimits, type MemoryEstimate } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { planBranches } from './plan-branches.js';
import { TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

const FLOAT_BYTES = 4;

/** Bytes of one image's teacher features, all levels. */
export function featureBytesPerImage({
  teacher,
  inputSize = TRAINING_DEFAULTS.inputSize,
}: TrainDetectorOptions): number {
  return teacher.extractor
    .outputShapes(inputSize)
    .reduce((sum, shape) => sum + FLOAT_BYTES * shape.reduce((product, side) => product * side, 1), 0);
}

/** Bytes that kept features may take, where they are limited: none if each epoch sees other pixels. */
export function featureCacheLimit({
  augmentation,
  featureCacheBytes,
}: Pick<TrainDetectorOptions, 'augmentation' | 'featureCacheBytes'>): number | undefined {
  return augmentation ? 0 : featureCacheBytes;
}

/** Bytes that one tensor may take on WebGPU; elsewhere there is no such limit. */
function largestBinding(): number | undefined {
  const { device } = tf.backend() as { device?: { limits?: { maxStorageBufferBindingSize?: number } } };
  return device?.limits?.maxStorageBufferBindingSize;
}

/**
 * What training needs at its peak, before anything is allocated: on wasm each heap ends at 4 GiB. A run with
 * its own `runner` is taken to have a heap per student.
 * @param images how many are trained on.
 */
export function estimateTrainingMemory(options: TrainDetectorOptions, images: number): MemoryEstimate {
  const { teacher, batchSize = TRAINING_DEFAULTS.batchSize, runner } = options;
  const cacheBytes = featureCacheLimit(options);
  const tensorLimit = largestBinding();
  return estimateMemory({
    teacherBytes: [...(teacher.weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0),
    students: planBranches(options).map(({ name, student }) => ({ name, ...summarizeStudent(student) })),
    batchSize,
    featureBytesPerImage: featureBytesPerImage(options),
    images,
    backend: tf.getBackend(),
    workers: runner !== undefined,
    ...(tensorLimit !== undefined && { tensorLimit }),
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
}

/** Whether it stays within the backend's limits, and all of it within `availableBytes`. */
export function fits(estimate: MemoryEstimate, availableBytes = Infinity): boolean {
  return exceededLimits(estimate).length === 0 && estimate.total <= availableBytes;
}
