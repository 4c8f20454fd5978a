import { throwIfAborted } from '@dskd/base';
import type { StateDict } from '@dskd/weights';
import type * as tf from '@tensorflow/tfjs-core';
import type { BranchInfo, BranchOutput, FitInput, JsonObject } from '../contract.js';
import type { Teacher } from '@dskd/models';

/** What a part is made for: the teacher, the size of the images, the seed of its random streams. */
export interface PartContext {
  readonly teacher: Teacher;
  readonly inputSize: FitInput['inputSize'];
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
  /** @param features the teacher's, one tensor per level; the caller keeps them, and disposes the map. */
  score(features: readonly tf.Tensor4D[]): Promise<BranchOutput>;
  save(): SavedPart;
  /**
   * Learns further good images.
   * @param features of a batch of them; the caller keeps them.
   */
  learn?(features: readonly tf.Tensor4D[]): Promise<void>;
  /** Closes a lesson: what `learn` was given since the last call is forgotten by one `forget`. */
  endLesson?(): void | Promise<void>;
  /** Lets go of what `learn` was given since the last lesson ended: the lesson failed. */
  dropLesson?(): void;
  /** Undoes the last lesson. */
  forget?(): void;
  dispose(): void;
}

/** Collects what a part needs of the training images, then fits it. */
export interface PartFitter {
  /** @param first index of the first image of the batch. The caller keeps `features`. */
  add(features: readonly tf.Tensor4D[], first: number): Promise<void>;
  /** @param progress called with the fraction that is done, 0..1. */
  finish(progress: (done: number) => void, signal: AbortSignal | undefined): Promise<{ part: Part; record: JsonObject }>;
  dispose(): void;
}

/** Images per pass of the teacher. */
export const FEATURE_BATCH = 8;

/**
 * One pass of the teacher over the training images for all parts, then their fits one after another.
 * @returns the fitted parts, in the order of the fitters; the caller disposes them.
 * @throws {DskdError} `aborted`, and what reading images throws.
 */
export async function fitParts(
  { trainingImages, onEvent, signal }: FitInput,
  { teacher }: PartContext,
  fitters: readonly (PartFitter & { readonly name: string })[],
): Promise<{ readonly parts: Part[]; readonly record: JsonObject }> {
  const parts: Part[] = [];
  const records: Record<string, JsonObject> = {};
  const total = trainingImages.length;
  try {
    for (let first = 0; first < total; first += FEATURE_BATCH) {
      throwIfAborted(signal);
      const count = Math.min(FEATURE_BATCH, total - first);
      const images = await trainingImages.batch(
        Array.from({ length: count }, (_, index) => first + index),
        0,
      );
      const features = await teacher.extractor.extract(images).finally(() => images.dispose());
      try {
        for (const fitter of fitters) await fitter.add(features, first);
      } finally {
        for (const level of features) level.dispose();
      }
      onEvent?.({ type: 'fit-progress', stage: 'features', done: first + count, total });
    }
    for (const fitter of fitters) {
      throwIfAborted(signal);
      const { part, record } = await fitter.finish(
        (done) => onEvent?.({ type: 'fit-progress', stage: fitter.name, done: Math.round(done * 100), total: 100 }),
        signal,
      );
      parts.push(part);
      records[fitter.name] = record;
    }
    return { parts, record: records };
  } catch (error) {
    for (const part of parts) part.dispose();
    throw error;
  } finally {
    for (const fitter of fitters) fitter.dispose();
  }
}
