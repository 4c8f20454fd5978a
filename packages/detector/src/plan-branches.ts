import type { StudentOptions } from '@dskd/models';
import type { BranchPlan } from './branches.js';
import { DEFAULT_BRANCHES, TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

/** What each student is, before it is built. */
export function planBranches(options: TrainDetectorOptions): BranchPlan[] {
  const {
    teacher,
    inputSize = TRAINING_DEFAULTS.inputSize,
    preset = TRAINING_DEFAULTS.preset,
    seed = TRAINING_DEFAULTS.seed,
    gccb,
  } = options;
  return Object.entries(options.branches ?? DEFAULT_BRANCHES).map(
    ([name, { branch, objective, optimiser }]) => ({
      name,
      student: {
        preset,
        branch,
        levels: teacher.extractor.levels.map((level) => ({ ...level })),
        inputSize: [inputSize[0], inputSize[1]],
        mapSizes: teacher.extractor
          .outputShapes(inputSize)
          .map(([height, width]) => [height, width] as const),
        seed,
        ...(options.architecture && { architecture: options.architecture }),
        ...(branch === 'global' && gccb ? { gccb } : {}),
      } satisfies StudentOptions,
      objective,
      optimiser,
    }),
  );
}
