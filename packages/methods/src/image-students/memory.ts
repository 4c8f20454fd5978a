import { summarizeImageStudent } from '@dskd/models';
import { countSteps, estimateMemory } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { CostEstimate, FitPlan } from '../contract.js';
import { heldOutCount } from '../students/early-stopping.js';
import { imageChannels } from './image-extractor.js';
import type { ImageTraining } from './plan.js';
import { readsTeacher, targetShapes } from './target.js';

const FLOAT_BYTES = 4;

/** What training needs at its peak, before anything is allocated. */
export function estimateImageStudent(
  plan: FitPlan,
  { plan: { student, optimizer }, batchSize, epochs, minutes, earlyStopping }: ImageTraining,
): CostEstimate {
  const { images, imagesChange, execution, inputSize } = plan;
  const teacher = readsTeacher(student) ? plan.teacher : undefined;
  const cacheBytes = imagesChange ? 0 : execution.featureCacheBytes;
  const features = [
    [inputSize[0], inputSize[1], imageChannels(student)] as const,
    ...targetShapes(student, teacher, inputSize),
  ];
  const memory = estimateMemory({
    teacherBytes: [...(teacher?.weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0),
    students: [{ name: 'network', optimizer: optimizer.kind ?? 'adam', ...summarizeImageStudent(student) }],
    batchSize,
    featureBytesPerImage: features.reduce(
      (sum, [height, width, channels]) => sum + FLOAT_BYTES * height * width * channels,
      0,
    ),
    images,
    backend: tf.getBackend(),
    workers: execution.runner !== undefined,
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
  return {
    bytes: memory.total,
    memory,
    steps: countSteps(images - heldOutCount(images, { earlyStopping }), batchSize) * epochs,
    ...(minutes !== undefined && { timeLimit: 60 * minutes }),
  };
}
