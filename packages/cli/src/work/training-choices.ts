import type { BranchOptions, TrainDetectorOptions } from '@dskd/detector';
import { recordedOptions } from '../options/resolve-options.js';
import { trainOptions, type TrainOptions } from '../options/train.js';

function branchOf(branch: 'local' | 'global', options: TrainOptions): BranchOptions {
  const name = branch === 'local' ? options.localObjective : options.globalObjective;
  const learningRate = branch === 'local' ? options.localLearningRate : options.globalLearningRate;
  return {
    branch,
    objective: { name, options: name === 'contextualAffinity' ? { temperature: options.temperature } : {} },
    optimizer: { learningRate },
  };
}

/** What the options alone decide of a training, in the words of @dskd/detector. */
export function trainingChoices(
  options: TrainOptions,
): Omit<TrainDetectorOptions, 'source' | 'teacher' | 'epochs'> {
  const branches = options.student === 'both' ? (['local', 'global'] as const) : [options.student];
  return {
    inputSize: options.size,
    fit: options.fit,
    preset: options.preset,
    gccb: {
      variant: options.gccb,
      ...(options.gccbChannels !== undefined && { channels: options.gccbChannels }),
    },
    branches: Object.fromEntries(branches.map((branch) => [branch, branchOf(branch, options)])),
    initialize: { global: options.initializeGlobal },
    batchSize: options.batchSize,
    seed: options.seed,
    holdOutFraction: options.holdOut,
    calibrateOnTraining: options.calibrateOnTraining,
    statisticsOn: options.statisticsOn,
    normalization: options.normalization,
    falseAlarmRate: options.falseAlarmRate,
    ...(options.sigma !== undefined && { sigma: options.sigma }),
    reestimateBatchNorm: options.reestimateBatchNorm,
    featureCacheBytes: options.cacheMb * 2 ** 20,
    options: recordedOptions(trainOptions, options),
  };
}
