import type { FeatureExtractor } from '@dskd/core';
import type {
  BankOptions,
  GalleryOptions,
  PooledOptions,
  PositionOptions,
  SetsOptions,
  SubspaceOptions,
} from './part-options.js';
import type { PartContext } from './parts.js';
import { levelIndexes, planPatches, type PatchPlan } from './patches.js';

// Which levels and which grid each kind of part takes, where its options do not say. All throw `invalid-config` for
// levels that the teacher does not have.

function allLevels(teacher: FeatureExtractor): number[] {
  return teacher.levels.map((_, index) => index + 1);
}

function deepestTwo(teacher: FeatureExtractor): number[] {
  return allLevels(teacher).slice(-2);
}

/** Number of the level whose stride is nearest to `stride` pixels; of two, the shallower. */
function levelOfStride(teacher: FeatureExtractor, stride: number): number {
  const distances = teacher.levels.map((level) => Math.abs(Math.log(level.stride / stride)));
  return distances.indexOf(Math.min(...distances)) + 1;
}

/** Patches of a bank. */
export function bankPlan(options: BankOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const { extractor } = teacher;
  return planPatches(extractor, inputSize, {
    levels: options.levels ?? allLevels(extractor),
    gridLevel: options.gridLevel ?? levelOfStride(extractor, 8),
    embedding: options.embedding,
  });
}

/** Positions of the whole maps of a subspace. */
export function subspacePlan(options: SubspaceOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const levels = options.levels ?? deepestTwo(teacher.extractor);
  return planPatches(teacher.extractor, inputSize, {
    levels,
    gridLevel: options.gridLevel ?? Math.max(...levels),
    gridFirst: true,
  });
}

/** Positions of Gaussians. */
export function positionPlan(options: PositionOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const levels = options.levels ?? deepestTwo(teacher.extractor);
  return planPatches(teacher.extractor, inputSize, {
    levels,
    gridLevel: options.gridLevel ?? Math.min(...levels),
  });
}

/** Indexes of the levels that are pooled. */
export function pooledLevels(options: PooledOptions, { teacher }: PartContext): number[] {
  return levelIndexes(teacher.extractor, options.levels ?? allLevels(teacher.extractor));
}

/** Indexes of the levels whose features are taken as sets. */
export function setLevels(options: SetsOptions, { teacher }: PartContext): number[] {
  return levelIndexes(teacher.extractor, options.levels ?? deepestTwo(teacher.extractor));
}

/** Indexes of the levels whose features a gallery keeps. */
export function galleryLevels(options: GalleryOptions, { teacher }: PartContext): number[] {
  return levelIndexes(teacher.extractor, options.levels ?? deepestTwo(teacher.extractor));
}
