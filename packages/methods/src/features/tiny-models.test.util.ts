import { type StateDict, tensorFiles } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { AnomalyModel, FitInput, SavedModel } from '../contract.js';
import { fitFeatureModel, type PartPlan, type PartPlans } from './feature-model.js';
import {
  bankOptions,
  galleryOptions,
  nearestImagesOptions,
  piecesOptions,
  pooledOptions,
  positionOptions,
  setsOptions,
  subspaceOptions,
  type BankOptions,
  type GalleryOptions,
  type NearestImagesOptions,
  type PiecesOptions,
  type PooledOptions,
  type PositionOptions,
  type SetsOptions,
  type SubspaceOptions,
} from './part-options.js';
import { batchOf, fitOn } from './pooling-teacher.test.util.js';

/** A part of each kind, with defaults where nothing is given. */
export const plans = {
  bank: (given: Partial<BankOptions> = {}): PartPlan => ({ kind: 'bank', options: bankOptions.parse(given) }),
  subspace: (given: Partial<SubspaceOptions> = {}): PartPlan => ({
    kind: 'subspace',
    options: subspaceOptions.parse(given),
  }),
  pooled: (given: Partial<PooledOptions> = {}): PartPlan => ({
    kind: 'pooled',
    options: pooledOptions.parse(given),
  }),
  sets: (given: Partial<SetsOptions> = {}): PartPlan => ({ kind: 'sets', options: setsOptions.parse(given) }),
  pieces: (given: Partial<PiecesOptions> = {}): PartPlan => ({
    kind: 'pieces',
    options: piecesOptions.parse(given),
  }),
  positions: (given: Partial<PositionOptions> = {}): PartPlan => ({
    kind: 'positions',
    options: positionOptions.parse(given),
  }),
  gallery: (given: Partial<GalleryOptions> = {}): PartPlan => ({
    kind: 'gallery',
    options: galleryOptions.parse(given),
  }),
  nearestImages: (given: Partial<NearestImagesOptions> = {}): PartPlan => ({
    kind: 'nearest-images',
    options: nearestImagesOptions.parse(given),
  }),
};

/** A model of `plans`, fitted on `images`. The caller disposes it. */
export async function fitted(
  images: readonly Float32Array[],
  parts: PartPlans,
  changes: Partial<FitInput> = {},
): Promise<AnomalyModel> {
  return (await fitFeatureModel('tiny', fitOn(images, changes), parts, undefined)).model;
}

/** Map or scores of each branch of `images` in one batch. */
export async function scoresOf(
  model: AnomalyModel,
  images: readonly Float32Array[],
): Promise<Record<string, Float32Array>> {
  const batch = batchOf(images);
  const outputs = await model.score(batch);
  batch.dispose();
  const scores: Record<string, Float32Array> = {};
  for (const { name, map, scores: own } of outputs) {
    scores[name] = map ? ((await map.data()) as Float32Array).slice() : own!;
    tf.dispose(map ?? []);
  }
  return scores;
}

/** The largest value of each image's map, or its score, for one branch. */
export async function imageScoresOf(
  model: AnomalyModel,
  branch: string,
  images: readonly Float32Array[],
): Promise<number[]> {
  const values = (await scoresOf(model, images))[branch]!;
  const size = values.length / images.length;
  return images.map((_, image) => Math.max(...values.subarray(image * size, (image + 1) * size)));
}

/** A saved model as the detector writes it. */
export function storedModel({ config, tensors }: SavedModel, storage: 'float32' | 'float16'): SavedModel {
  const stored: StateDict = new Map();
  for (const [name, entry] of tensors) stored.set(name, tensorFiles.storedAs(storage, name, entry));
  return { config, tensors: stored };
}

/** Teaches images in batches of two, as one lesson. */
export function teach(model: AnomalyModel, images: readonly Float32Array[]): Promise<void> {
  async function* batches(): AsyncGenerator<tf.Tensor4D> {
    for (let first = 0; first < images.length; first += 2) {
      const batch = batchOf(images.slice(first, first + 2));
      try {
        yield await Promise.resolve(batch);
      } finally {
        batch.dispose();
      }
    }
  }
  return model.extend!(batches());
}
