import { summarizeImageStudent } from '@dskd/models';
import { countSteps, estimateMemory } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { CostEstimate, FitPlan } from '../contract.js';
import { heldOutCount, type EarlyStopping } from '../students/early-stopping.js';
import { trainingFiles } from '../students/file-bytes.js';
import type { ImagePlan, ImageTraining } from './plan.js';
import { readsTeacher, targetShapes } from './target.js';

const FLOAT_BYTES = 4;

/** Networks of images and what they train on. */
interface NetworksInTraining extends EarlyStopping {
  readonly plans: readonly ImagePlan[];
  readonly epochs: number;
  readonly minutes: number | undefined;
  readonly batchSize: number;
  /** `[height, width, channels]` of every level that the networks read or predict. */
  readonly features: readonly (readonly [number, number, number])[];
  /** Whether a teacher is held beside them. */
  readonly teacher: boolean;
  /** Whether features differ from epoch to epoch, so that they cannot be kept. */
  readonly featuresChange: boolean;
}

/** What training needs at its peak, before anything is allocated. */
export function estimateNetworks(plan: FitPlan, networks: NetworksInTraining): CostEstimate {
  const { images, execution } = plan;
  const { plans, epochs, minutes, batchSize } = networks;
  const weights = networks.teacher ? [...(plan.teacher?.weights?.values() ?? [])] : [];
  const cacheBytes = networks.featuresChange ? 0 : execution.featureCacheBytes;
  const teacherBytes = weights.reduce((sum, { data }) => sum + data.byteLength, 0);
  const students = plans.map(({ name = 'network', student, optimizer }) => ({
    name,
    // Of groups with different ones: at most.
    optimizer: optimizer.kind === 'groups' ? ('adam' as const) : (optimizer.kind ?? 'adam'),
    ...summarizeImageStudent(student),
  }));
  const memory = estimateMemory({
    teacherBytes,
    students,
    batchSize,
    featureBytesPerImage: networks.features.reduce(
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
    files: trainingFiles(teacherBytes, students),
    steps: countSteps(images - heldOutCount(images, networks), batchSize) * epochs,
    ...(minutes !== undefined && { timeLimit: 60 * minutes }),
  };
}

/** {@link estimateNetworks} of one network that predicts features of the teacher, or the image. */
export function estimateImageStudent(plan: FitPlan, training: ImageTraining): CostEstimate {
  const { inputSize, teacher, imagesChange } = plan;
  const { student } = training.plan;
  return estimateNetworks(plan, {
    ...training,
    plans: [training.plan],
    features: [summarizeImageStudent(student).inputShape, ...targetShapes(student, teacher, inputSize)],
    teacher: readsTeacher(student),
    featuresChange: imagesChange,
  });
}
