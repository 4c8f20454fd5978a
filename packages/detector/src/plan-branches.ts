import { createObjective } from '@dskd/losses';
import type { StudentOptions } from '@dskd/models';
import { assertBranchNames } from './branch-names.js';
import type { BranchPlan } from './branches.js';
import { DEFAULT_BRANCHES, TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

/**
 * What each student is, before it is built.
 * @throws {DskdError} `invalid-config` for branch names that no file could hold; `invalid-argument` for an objective
 * that this thread does not know.
 */
export function planBranches(options: TrainDetectorOptions): BranchPlan[] {
  const {
    teacher,
    inputSize = TRAINING_DEFAULTS.inputSize,
    preset = TRAINING_DEFAULTS.preset,
    seed = TRAINING_DEFAULTS.seed,
    gccb,
  } = options;
  const { branches = DEFAULT_BRANCHES } = options;
  assertBranchNames(Object.keys(branches));
  // Students may be trained in workers that know it; this thread calibrates with it, after hours.
  for (const { objective } of Object.values(branches)) createObjective(objective);
  return Object.entries(branches).map(([name, { branch, objective, optimizer }]) => ({
    name,
    student: {
      preset,
      branch,
      levels: teacher.extractor.levels.map((level) => ({ ...level })),
      inputSize: [inputSize[0], inputSize[1]],
      mapSizes: teacher.extractor.outputShapes(inputSize).map(([height, width]) => [height, width] as const),
      seed,
      ...(options.architecture && { architecture: options.architecture }),
      ...(branch === 'global' && gccb ? { gccb } : {}),
    } satisfies StudentOptions,
    objective,
    optimizer,
  }));
}
