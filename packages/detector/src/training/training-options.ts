import { DskdError, type EventListener } from '@dskd/base';
import type { Augmentation, Color, Fit, ImageSource } from '@dskd/data';
import {
  createMethod,
  TRAINING_DEFAULTS,
  type Execution,
  type JsonObject,
  type Method,
  type Size,
} from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { defaultSigma, type Normalization } from '@dskd/scoring';
import { z } from 'zod';
import type { DetectorDescription } from '../artifact/description.js';
import { ignoredAtNetworkSize, type IgnoreMask } from '../inference/ignored-pixels.js';
import { assertSha256 } from './assert-sha256.js';

/** How images become the network's input. */
export interface InputOptions {
  /** `[height, width]` in pixels. Default `[128, 128]`. */
  readonly size?: Size;
  /** How images of other proportions become that size. Default `stretch`. */
  readonly fit?: Fit;
  /** What fills a letterbox's border: red, green, blue, 0..255. Default: the mean of ImageNet. */
  readonly fill?: Color;
  /**
   * How training images are varied from epoch to epoch, by (seed, epoch, sample id). Teacher features are then
   * computed in every epoch. Statistics, scores and threshold come from images as they are. Default: not at all.
   */
  readonly augmentation?: Augmentation | undefined;
  /**
   * Pixels that count neither for statistics nor for any score: 1 channel, not 0 does not count, of any size with
   * the images' proportions. Kept in the artifact. The model is fitted on all pixels.
   */
  readonly ignored?: IgnoreMask | undefined;
}

/** What normal images tell: normalization of branches, threshold, p-values. */
export interface CalibrationOptions {
  /** Fraction of the training images kept back where there is no validation split. Default 0.1. */
  readonly holdOutFraction?: number;
  /** Calibrate on the training images instead (the paper's rule without a validation set). Default false. */
  readonly onTrainingImages?: boolean;
  /**
   * Which images normalize each branch (Eq. 8): those that calibrate, or those that trained, while scores and
   * threshold stay those of the ones that calibrate. Default `calibration`.
   */
  readonly statisticsOn?: 'calibration' | 'training';
  /**
   * What of those images normalizes a branch's map before the branches are added: `moments`, mean and deviation
   * (Eq. 8), or `quantiles`, which turns down a branch that is far off on some normal images. Default `moments`.
   */
  readonly normalization?: Normalization;
  /** Standard deviation of the Gaussian filter in input pixels. Default 4 x min(height, width) / 256. */
  readonly sigma?: number | undefined;
  /** The threshold is the quantile of normal scores for this rate of false alarms. Default 0.05. */
  readonly falseAlarmRate?: number;
}

export interface TrainDetectorOptions {
  /** Good images in its `train` split; good ones in `validation`, if it has them, calibrate. */
  readonly source: ImageSource;
  /** For methods that need one. The caller keeps and disposes it, not before the detector. */
  readonly teacher?: Teacher;
  /** Name of a method of `@dskd/methods`, or of one that was registered there. Default `dskd`. */
  readonly method?: string;
  /** The method's own options, e.g. `DskdOptions`; those that are left out have its defaults. */
  readonly options?: object;
  readonly input?: InputOptions;
  readonly calibration?: CalibrationOptions;
  /** How it runs on this machine: threads, memory for features. Does not change the result. */
  readonly execution?: Execution;
  /** Root of every random stream. Default 1. */
  readonly seed?: number;
  /** Called with the bytes of a checkpoint every so many epochs, and when aborted. */
  readonly checkpoint?: { readonly everyEpochs: number; save(bytes: Uint8Array): Promise<void> } | undefined;
  /** Bytes of a checkpoint of the same run: goes on where it stopped, to the same bits. */
  readonly resumeFrom?: Uint8Array | undefined;
  /** JSON kept in the artifact's training record: a caller's own options that decided the result. */
  readonly recorded?: Readonly<Record<string, unknown>>;
  readonly onEvent?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** {@link TrainDetectorOptions} with every choice made; nothing after it reads a default. */
export interface ResolvedTraining {
  readonly source: ImageSource;
  readonly teacher: Teacher | undefined;
  readonly method: Method;
  /** As the method's schema gives them. */
  readonly options: unknown;
  readonly inputSize: Size;
  readonly resize: DetectorDescription['resize'];
  readonly augmentation: Augmentation | undefined;
  /** `height * width` of the network's input, 1 where pixels do not count. */
  readonly ignored: Uint8Array | null;
  readonly calibration: Required<Omit<CalibrationOptions, 'sigma'>> & { readonly sigma: number };
  readonly execution: Execution;
  readonly seed: number;
  readonly checkpoint: TrainDetectorOptions['checkpoint'];
  readonly resumeFrom: Uint8Array | undefined;
  readonly recorded: JsonObject;
  readonly onEvent: EventListener | undefined;
  readonly signal: AbortSignal | undefined;
}

/** @throws {DskdError} `invalid-config` naming every option that is wrong. */
function checkMethodOptions(method: Method, given: object): unknown {
  const checked = method.options.safeParse(given);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new DskdError(
    'invalid-config',
    `The options of the method ${method.name} do not make sense:\n${z.prettifyError(checked.error)}`,
    { details: { method: method.name, issues } },
  );
}

/**
 * Makes every choice of a training, once.
 * @throws {DskdError} `invalid-argument` (no such method, a teacher without a SHA-256, no teacher where one is needed),
 * `invalid-config` (the method's options), and for the ignore mask `input-size-mismatch`, `shape-mismatch`.
 */
export async function resolveTrainingOptions(given: TrainDetectorOptions): Promise<ResolvedTraining> {
  const { input = {}, calibration = {}, teacher } = given;
  const method = await createMethod(given.method ?? TRAINING_DEFAULTS.method);
  if (teacher) assertSha256(teacher);
  else if (method.needs.teacher) {
    throw new DskdError('invalid-argument', `The method ${method.name} needs a teacher; got none.`, {
      hint: 'loadTeacher of @dskd/models makes one from a weight file; the package dskd brings its own.',
    });
  }
  const [height, width] = input.size ?? TRAINING_DEFAULTS.inputSize;
  const inputSize = [height, width] as const;
  const fit = input.fit ?? TRAINING_DEFAULTS.fit;
  const [red, green, blue] = input.fill ?? TRAINING_DEFAULTS.fill;
  return {
    source: given.source,
    teacher: method.needs.teacher ? teacher : undefined,
    method,
    options: checkMethodOptions(method, given.options ?? {}),
    inputSize,
    resize: {
      fit,
      filter: 'bilinear-antialiased',
      fill: fit === 'letterbox' ? [red, green, blue] : null,
    },
    augmentation: input.augmentation,
    ignored: input.ignored ? ignoredAtNetworkSize(input.ignored, { inputSize, fit }) : null,
    calibration: {
      holdOutFraction: calibration.holdOutFraction ?? TRAINING_DEFAULTS.holdOutFraction,
      onTrainingImages: calibration.onTrainingImages ?? TRAINING_DEFAULTS.onTrainingImages,
      statisticsOn: calibration.statisticsOn ?? TRAINING_DEFAULTS.statisticsOn,
      normalization: calibration.normalization ?? TRAINING_DEFAULTS.normalization,
      sigma: calibration.sigma ?? defaultSigma([height, width]),
      falseAlarmRate: calibration.falseAlarmRate ?? TRAINING_DEFAULTS.falseAlarmRate,
    },
    execution: given.execution ?? {},
    seed: given.seed ?? TRAINING_DEFAULTS.seed,
    checkpoint: given.checkpoint,
    resumeFrom: given.resumeFrom,
    recorded: JSON.parse(JSON.stringify(given.recorded ?? {})) as JsonObject,
    onEvent: given.onEvent,
    signal: given.signal,
  };
}
