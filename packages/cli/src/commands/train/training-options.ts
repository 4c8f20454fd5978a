import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import {
  assertAugmentation,
  gcadAugmentation,
  holdOut,
  type Augmentation,
  type ImageSource,
} from '@dskd/data';
import { paperRecipe, type BranchOptions, type TrainDetectorOptions } from '@dskd/detector';
import { recordedOptions } from '../../options/resolve.js';
import { DEFAULT_OUT, TRAINING_DEFAULTS, trainOptions, type TrainOptions } from '../train.js';

function branchOf(branch: 'local' | 'global', options: TrainOptions): BranchOptions {
  const name = branch === 'local' ? options.localObjective : options.globalObjective;
  const learningRate = branch === 'local' ? options.localLearningRate : options.globalLearningRate;
  return {
    branch,
    objective: { name, options: name === 'contextualAffinity' ? { temperature: options.temperature } : {} },
    optimizer: { learningRate },
  };
}

/** The options of `trainDetector` that depend on the command line alone, not on the data. */
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

/**
 * The options that `--preset paper` sets: all that the paper trained with, not only the size of the students. Flags
 * and a config file overrule them. Sigma is not among them: the default is the paper's 4 at 256 px, and it scales
 * with the input size.
 */
export function paperOptions(category: string | undefined): Record<string, unknown> {
  const { teacher, options } = paperRecipe(category);
  const { local, global } = options.branches;
  return {
    teacher: teacher.name,
    size: [...options.inputSize],
    fit: options.fit,
    augment: options.augmentation,
    gccb: options.gccb.variant,
    gccbChannels: options.gccb.channels,
    epochs: options.epochs,
    batchSize: options.batchSize,
    localObjective: local.objective.name,
    globalObjective: global.objective.name,
    temperature: global.objective.options.temperature,
    localLearningRate: local.optimizer.learningRate,
    globalLearningRate: global.optimizer.learningRate,
  };
}

/**
 * The augmentation that `--augment` names, from a name, a JSON file or the content of the config file.
 * @throws {DskdError} `file-not-found`, `invalid-config`
 */
export async function augmentationOf({ augment, category }: TrainOptions): Promise<Augmentation | undefined> {
  if (augment === 'none') return undefined;
  if (augment === 'gcad') return gcadAugmentation(category);
  const value: unknown = typeof augment === 'string' ? await readJson(augment) : augment;
  assertAugmentation(value);
  return value;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Got ${path} for --augment, wanted none, gcad or a JSON file.`, {
      cause,
    });
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DskdError('invalid-config', `${path} is not JSON: ${(cause as Error).message}.`, {
      hint: 'For example {"rotation": {"degrees": 3}}.',
      cause,
    });
  }
}

type EpochOptions = Pick<TrainOptions, 'epochs' | 'batchSize' | 'holdOut' | 'seed' | 'calibrateOnTraining'>;

/** Number of images that are trained on, without those held out. */
function trainingImages(
  { samples }: Pick<ImageSource, 'samples'>,
  { holdOut: fraction, seed, calibrateOnTraining }: EpochOptions,
): number {
  const good = (split: string): typeof samples =>
    samples.filter((sample) => sample.split === split && sample.label === 'good');
  const all = good('train');
  if (calibrateOnTraining || good('validation').length > 0) return all.length;
  return holdOut(all, { fraction, seed }).kept.length;
}

/**
 * Number of epochs: as given or, by default, at least `minEpochs` and at least as many as make `minSteps` steps. After
 * fewer steps the statistics of batch norm have not converged and scores mean little.
 */
export function epochsFor(options: EpochOptions, source: Pick<ImageSource, 'samples'>): number {
  if (options.epochs !== undefined) return options.epochs;
  const { minEpochs, minSteps } = TRAINING_DEFAULTS;
  const stepsPerEpoch = Math.max(1, Math.floor(trainingImages(source, options) / options.batchSize));
  return Math.max(minEpochs, Math.ceil(minSteps / stepsPerEpoch));
}

/**
 * The file that the model is written to. A file named by `--out` may be replaced; the default file may not, so that a
 * second training in the same folder does not overwrite the first.
 * @throws {DskdError} `invalid-argument`
 */
export function outOf(out: string | undefined): string {
  if (out !== undefined) return out;
  if (existsSync(DEFAULT_OUT)) {
    throw new DskdError('invalid-argument', `There is a file ${DEFAULT_OUT} already.`, {
      hint: `Name another with --out, or replace it with --out ${DEFAULT_OUT}.`,
    });
  }
  return DEFAULT_OUT;
}
