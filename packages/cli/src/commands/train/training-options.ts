import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { assertAugmentation, gcadAugmentation, type Augmentation, type IntensityRange } from '@dskd/data';
import { paperRecipe, type InputOptions, type TrainDetectorOptions } from '@dskd/detector';
import type { BranchOptions } from '@dskd/methods';
import { TRAINING_DEFAULTS } from '@dskd/methods/defaults';
import type { OptionSet } from '../../options/option.js';
import { recordedOptions } from '../../options/resolve.js';
import { DEFAULT_OUT, trainOptions, type TrainOptions } from '../train.js';
import { hasOption } from './method-for.js';

function branchOf(branch: 'local' | 'global', options: TrainOptions): BranchOptions {
  const name = branch === 'local' ? options.localObjective : options.globalObjective;
  const learningRate = branch === 'local' ? options.localLearningRate : options.globalLearningRate;
  return {
    branch,
    objective: { name, options: name === 'contextualAffinity' ? { temperature: options.temperature } : {} },
    optimizer: { learningRate },
  };
}

/** The options of the trained method: from its flags, overridden by `--method-options`. */
function methodOptions(options: TrainOptions): object {
  return { ...studentOptions(options), ...parsedMethodOptions(options.methodOptions) };
}

/** Options from the flags of trainings in epochs; empty for other methods. */
function studentOptions(options: TrainOptions): object {
  const { method, preset, epochs, minutes, earlyStopping, batchSize, reestimateBatchNorm } = options;
  const { gccb, gccbChannels } = options;
  const length = {
    ...(batchSize !== undefined && { batchSize }),
    ...(epochs !== undefined && { epochs }),
    ...(minutes !== undefined && { minutes }),
    ...(earlyStopping !== undefined && { earlyStopping: { patience: earlyStopping } }),
  };
  const { imageStudents, patchStudents } = TRAINING_DEFAULTS;
  if (Object.hasOwn({ ...imageStudents.epochs, ...patchStudents.steps }, method)) return length;
  if (method !== 'dskd' && method !== 'rd') return {};
  const common = { preset, ...length, reestimateBatchNorm };
  if (method === 'rd') {
    const { objective, optimizer } = branchOf('local', options);
    return { ...common, objective, optimizer };
  }
  const branches = options.student === 'both' ? (['local', 'global'] as const) : [options.student];
  return {
    ...common,
    gccb: { variant: gccb, ...(gccbChannels !== undefined && { channels: gccbChannels }) },
    branches: Object.fromEntries(branches.map((branch) => [branch, branchOf(branch, options)])),
    initialize: { global: options.initializeGlobal },
  };
}

function parsedMethodOptions(given: TrainOptions['methodOptions'] = {}): object {
  if (typeof given !== 'string') return given;
  let parsed: unknown;
  try {
    parsed = JSON.parse(given);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new DskdError('invalid-argument', `Got --method-options ${given}, wanted a JSON object.`, {
    hint: 'For example --method-options \'{"pooled": null}\'.',
  });
}

/** The options that a method has. Defaults of other methods are not recorded. */
function optionsOf(method: string): OptionSet {
  return Object.fromEntries(Object.entries(trainOptions).filter(([, { facts }]) => hasOption(method, facts)));
}

/** @throws {DskdError} `invalid-argument` for an overlap without tiles */
function tilesOf({ tiles, tileOverlap }: TrainOptions): Pick<InputOptions, 'tiles'> {
  if (tiles !== undefined) {
    return { tiles: { size: tiles, ...(tileOverlap !== undefined && { overlap: tileOverlap }) } };
  }
  if (tileOverlap === undefined) return {};
  throw new DskdError('invalid-argument', `Got --tile-overlap ${tileOverlap}, but no --tiles.`, {
    hint: 'For example --size 1024 --tiles 256 --tile-overlap 32.',
  });
}

/** @throws {DskdError} `invalid-argument` */
function intensityRangeOf(given: string): IntensityRange | 'auto' {
  if (given === 'auto') return given;
  const [low, high] = /^(\d+):(\d+)$/.exec(given)?.slice(1).map(Number) ?? [];
  if (low !== undefined && high !== undefined && low < high && high <= 65_535) return [low, high];
  throw new DskdError(
    'invalid-argument',
    `Got --intensity-range ${given}; wanted auto, or two whole numbers from 0 to 65535, the lower one first.`,
    { hint: 'For example --intensity-range 21000:21400.' },
  );
}

/** The options of `trainDetector` that depend only on the command line, not on the data. */
export function trainingChoices(options: TrainOptions): Omit<TrainDetectorOptions, 'source' | 'teacher'> {
  return {
    method: options.method,
    options: methodOptions(options),
    input: {
      ...(options.size && { size: options.size }),
      fit: options.fit,
      ...(options.intensityRange !== undefined && {
        intensityRange: intensityRangeOf(options.intensityRange),
      }),
      ...(options.copies !== undefined && { copies: options.copies }),
      ...tilesOf(options),
    },
    calibration: {
      holdOutFraction: options.holdOut,
      onTrainingImages: options.calibrateOnTraining,
      statisticsOn: options.statisticsOn,
      ...(options.normalization && { normalization: options.normalization }),
      ...(options.fusion && { fusion: options.fusion }),
      falseAlarmRate: options.falseAlarmRate,
      ...(options.sigma !== undefined && { sigma: options.sigma }),
    },
    execution: { featureCacheBytes: options.cacheMb * 2 ** 20 },
    seed: options.seed,
    thumbnails: options.thumbnails,
    recorded: recordedOptions(optionsOf(options.method), options),
  };
}

/**
 * The options that `--preset paper` sets: everything that the paper trained with, not only the size of the students.
 * Flags and a config file override them. Sigma is not among them, because the default is the paper's 4 at 256 px and
 * scales with the input size.
 */
export function paperOptions(category: string | undefined): Record<string, unknown> {
  const { teacher, training } = paperRecipe(category);
  const { options, input } = training;
  const { local, global } = options.branches as Record<'local' | 'global', BranchOptions>;
  return {
    teacher: teacher.name,
    size: [...input.size],
    fit: input.fit,
    augment: input.augmentation,
    gccb: options.gccb?.variant,
    gccbChannels: options.gccb?.channels,
    epochs: options.epochs,
    batchSize: options.batchSize,
    reestimateBatchNorm: options.reestimateBatchNorm,
    localObjective: local.objective.name,
    globalObjective: global.objective.name,
    temperature: global.objective.options?.temperature,
    localLearningRate: local.optimizer.learningRate,
    globalLearningRate: global.optimizer.learningRate,
  };
}

/**
 * Returns the augmentation for `--augment`: by name, from a JSON file or from the content of the config file.
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
