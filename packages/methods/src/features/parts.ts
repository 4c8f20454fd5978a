import { DskdError, randomStream, throwIfAborted } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchInfo, BranchOutput, BranchTensors, FitInput, JsonObject, Size } from '../contract.js';

/** What a part is made for. The teacher's owner disposes it, not before the part. */
export interface PartContext {
  readonly teacher: Teacher;
  readonly inputSize: Size;
}

/** What a part keeps in an artifact: JSON that its kind checks when it is restored, and tensors. */
export interface SavedPart {
  readonly config: JsonObject;
  readonly tensors: StateDict;
}

/**
 * One branch of a model that is fitted in closed form on a teacher's features. Several parts share one pass of the
 * teacher.
 */
export interface Part {
  readonly info: BranchInfo;
  /**
   * @param features the teacher's, one tensor per level; the caller keeps them, and disposes the map.
   * @param images that they are of; the caller keeps them.
   */
  score(features: readonly tf.Tensor4D[], images: tf.Tensor4D): Promise<BranchOutput>;
  /**
   * The same by tensor operations alone ({@link AnomalyModel.scoreTensors}), of a part that can.
   * @throws {DskdError} `not-exportable`
   */
  scoreTensors?(features: readonly tf.Tensor4D[], images: tf.Tensor4D): BranchTensors;
  save(): SavedPart;
  dispose(): void;
}

/** A part that learns further good images after its fit. */
export interface LearningPart extends Part {
  /** How many lessons there are to forget. */
  readonly lessons: number;
  beginLesson(): Lesson;
  /** Undoes the last lesson; there must be one. */
  forget(): void;
}

/** Further good images that a part learns at once. The part stays as it is until all of them have been seen. */
export interface Lesson {
  /** @param features of a batch of images; the caller keeps both. */
  add(features: readonly tf.Tensor4D[], images: tf.Tensor4D): Promise<void>;
  /** @returns what changes the part. */
  finish(): Promise<() => void>;
}

/** Whether a part learns further images. */
export function isLearning(part: Part): part is LearningPart {
  return 'beginLesson' in part;
}

/** Collects what a part needs of the training images, then fits it. */
export interface PartFitter {
  /** Of the branch. */
  readonly name: string;
  /** @param first index of the first image of the batch. The caller keeps `features` and `images`. */
  add(features: readonly tf.Tensor4D[], first: number, images: tf.Tensor4D): Promise<void>;
  /**
   * @param progress called with the fraction that is done, 0..1.
   * @returns no part where the images turn out not to suit it.
   */
  finish(
    progress: (done: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<{ part: Part | null; record: JsonObject }>;
  dispose(): void;
}

/** Images per pass of the teacher. */
export const FEATURE_BATCH = 8;

/**
 * Indexes of the training images that a part is fitted on: all of the first `count`, or `most` of them, drawn by the seed for `purpose` and
 * branch.
 */
export function drawnImages(
  count: number,
  most: number,
  seed: number,
  purpose: string,
  branch: string,
): ReadonlySet<number> {
  const all = Int32Array.from({ length: count }, (_, index) => index);
  if (all.length > most) randomStream(seed, purpose, branch).shuffle(all);
  return new Set(all.subarray(0, most));
}

/** Downloads a tensor's values and disposes it. */
export async function download(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}

/** @throws {DskdError} `invalid-argument` without a teacher */
export function assertTeacherGiven<T>(teacher: T | undefined, method: string): asserts teacher is T {
  if (teacher !== undefined) return;
  throw new DskdError('invalid-argument', `The method ${method} needs a teacher; got none.`, {
    hint: 'loadTeacher of @dskd/models makes one; the package dskd brings its own.',
  });
}

/**
 * One pass of the teacher over the training images for all parts, then their fits one after another. Disposes the
 * fitters.
 * @returns the fitted parts, in the order of the fitters, null for one that the images do not suit, and what is recorded of each by its name. The caller disposes
 * the parts.
 * @throws {DskdError} `aborted`, and what reading images throws.
 */
export async function fitParts(
  { trainingImages, onEvent, signal }: FitInput,
  { extractor }: Teacher,
  fitters: readonly PartFitter[],
): Promise<{ readonly parts: (Part | null)[]; readonly record: JsonObject }> {
  const parts: (Part | null)[] = [];
  const records: Record<string, JsonObject> = {};
  const total = trainingImages.length;
  try {
    const batchFrom = (first: number): number[] =>
      Array.from(
        { length: Math.max(0, Math.min(FEATURE_BATCH, total - first)) },
        (_, index) => first + index,
      );
    for (let first = 0; first < total; first += FEATURE_BATCH) {
      throwIfAborted(signal);
      const indexes = batchFrom(first);
      const count = indexes.length;
      const images = await trainingImages.batch(indexes, 0);
      trainingImages.prefetch?.(batchFrom(first + FEATURE_BATCH));
      let features: tf.Tensor4D[] = [];
      try {
        features = await extractor.extract(images);
        for (const fitter of fitters) await fitter.add(features, first, images);
      } finally {
        tf.dispose([images, ...features]);
      }
      onEvent?.({ type: 'fit-progress', stage: 'features', done: first + count, total });
    }
    for (const fitter of fitters) {
      throwIfAborted(signal);
      const { part, record } = await fitter.finish(
        (done) =>
          onEvent?.({ type: 'fit-progress', stage: fitter.name, done: Math.round(done * 100), total: 100 }),
        signal,
      );
      if (!part) onEvent?.({ type: 'branch-left-out', branch: fitter.name });
      parts.push(part);
      records[fitter.name] = record;
    }
    return { parts, record: records };
  } catch (error) {
    for (const part of parts) part?.dispose();
    throw error;
  } finally {
    for (const fitter of fitters) fitter.dispose();
  }
}
