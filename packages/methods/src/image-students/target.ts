// What a network predicts of a teacher: its levels, or their embedding.
import type { FeatureExtractor } from '@dskd/core';
import type { ImageStudentOptions, Teacher } from '@dskd/models';
import type { StateDict } from '@dskd/weights';
import type { FitInput, Size } from '../contract.js';
import { planEmbedding, TENSOR_NAMES, TeacherEmbedding } from './teacher-embedding.js';

/** Levels of a teacher as a network's target. */
export interface Target {
  /** Undefined where the network predicts its own input. */
  readonly extractor: FeatureExtractor | undefined;
  /** What a file keeps of it. */
  readonly tensors: StateDict;
  /** The teacher stays its owner's. */
  dispose(): void;
}

/** Whether a network predicts features of a teacher. */
export function readsTeacher({ kind }: ImageStudentOptions): boolean {
  return kind === 'backbone' || kind === 'cloner' || kind === 'gcad';
}

/** Channels of the embedding that a network predicts; null where it predicts levels as they are. */
function embeddedChannels(student: ImageStudentOptions): number | null {
  return student.kind === 'gcad' ? student.target[2] : null;
}

/** `[height, width, channels]` of all levels that a network predicts of a teacher. */
export function targetShapes(
  student: ImageStudentOptions,
  teacher: Teacher | undefined,
  inputSize: Size,
): [number, number, number][] {
  if (!teacher || !readsTeacher(student)) return [];
  const channels = embeddedChannels(student);
  if (channels === null) return teacher.extractor.outputShapes([inputSize[0], inputSize[1]]);
  const { grid } = planEmbedding(teacher.extractor, inputSize, channels);
  return [[grid[0], grid[1], channels]];
}

function levelsOf(student: ImageStudentOptions, teacher: Teacher | undefined): Target {
  const extractor = readsTeacher(student) ? teacher?.extractor : undefined;
  return { extractor, tensors: new Map(), dispose: () => undefined };
}

function embeddingOf(embedding: TeacherEmbedding): Target {
  return { extractor: embedding, tensors: embedding.tensors(), dispose: () => embedding.dispose() };
}

/**
 * The target of a fit; an embedding is measured on the training images. The caller disposes it.
 * @throws {DskdError} `aborted`, `numerical-instability`
 */
export async function measureTarget(
  student: ImageStudentOptions,
  { teacher, inputSize, trainingImages, signal }: FitInput,
): Promise<Target> {
  const channels = embeddedChannels(student);
  if (channels === null || !teacher) return levelsOf(student, teacher);
  const plan = planEmbedding(teacher.extractor, inputSize, channels);
  const images = { images: trainingImages, signal };
  return embeddingOf(await TeacherEmbedding.measure(teacher.extractor, plan, images));
}

/**
 * The target of a saved model. The caller disposes it.
 * @throws {DskdError} `weights-mismatch` where statistics are missing, or of other channels.
 */
export function restoreTarget(
  student: ImageStudentOptions,
  teacher: Teacher | undefined,
  tensors: StateDict,
): Target {
  const channels = embeddedChannels(student);
  if (channels === null || !teacher) return levelsOf(student, teacher);
  const plan = planEmbedding(teacher.extractor, student.inputSize, channels);
  return embeddingOf(TeacherEmbedding.restore(teacher.extractor, plan, tensors));
}

/** Whether a file of this network keeps a tensor of its target under this name. */
export function isTargetTensor(student: ImageStudentOptions, name: string): boolean {
  return embeddedChannels(student) !== null && TENSOR_NAMES.includes(name);
}
