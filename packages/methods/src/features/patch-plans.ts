import type { FeatureExtractor } from '@dskd/core';
import {
  subspaceOptions,
  type BankOptions,
  type GalleryOptions,
  type PooledOptions,
  type PositionOptions,
  type SetsOptions,
  type SubspaceOptions,
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

/** Positions along a side of a subspace's map, about: decision 0036. */
const SUBSPACE_SIDE = 16;
/** Values of a whole map above which the coarsest grid is taken: each component in the file has as many. */
const MOST_VALUES = 100_000;

/** Positions of the whole maps of a subspace. Files of before {@link withGridLevel} that name no grid have the deepest. */
export function subspacePlan(options: SubspaceOptions, { teacher, inputSize }: PartContext): PatchPlan {
  const levels = options.levels ?? deepestTwo(teacher.extractor);
  return planPatches(teacher.extractor, inputSize, {
    levels,
    gridLevel: options.gridLevel ?? Math.max(...levels),
    gridFirst: true,
  });
}

/** Options of a subspace with the grid that a new fit takes. */
export function withGridLevel(options: SubspaceOptions, context: PartContext): SubspaceOptions {
  if (options.gridLevel) return options;
  const { extractor } = context.teacher;
  const deepest = Math.max(...(options.levels ?? deepestTwo(extractor)));
  const stride = Math.min(...context.inputSize) / SUBSPACE_SIDE;
  // Parsed, so that its keys have the order that a file gives them back in: the same bytes when it is saved again.
  const withLevel = (gridLevel: number): SubspaceOptions => subspaceOptions.parse({ ...options, gridLevel });
  const finer = withLevel(Math.min(deepest, levelOfStride(extractor, stride)));
  const { grid, width } = subspacePlan(finer, context);
  const channels = options.channels > 0 ? Math.min(options.channels, width) : width;
  return grid[0] * grid[1] * channels > MOST_VALUES ? withLevel(deepest) : finer;
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
