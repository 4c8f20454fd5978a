import type { BranchPlan } from './branches.js';
import type { RunDescription } from '@dskd/training';
import { resizeRule } from './preparation.js';
import { TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

/**
 * What decides the result of a training besides its length: a checkpoint is only good for the same run. Seed,
 * batch size and the number of images are in its state.
 */
export function describeRun(
  options: TrainDetectorOptions,
  plans: readonly BranchPlan[],
  dataFingerprint: string,
): RunDescription {
  const { teacher, inputSize = TRAINING_DEFAULTS.inputSize } = options;
  const run = {
    inputSize,
    teacher: teacher.sha256,
    dataFingerprint,
    resize: resizeRule(options),
    augmentation: options.augmentation ?? null,
    holdOutFraction: options.holdOutFraction ?? TRAINING_DEFAULTS.holdOutFraction,
    calibrateOnTraining: options.calibrateOnTraining ?? false,
    branches: plans.map(({ name, student, objective, optimizer }) => ({
      name,
      student,
      objective,
      optimizer,
    })),
    initialize: options.initialize ?? null,
  };
  return JSON.parse(JSON.stringify(run)) as RunDescription;
}
