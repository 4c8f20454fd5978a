import type { EventListener } from '@dskd/base';
import type { Augmentation, Color, Fit, ImageSource } from '@dskd/data';
import type { StudentOptions, StudentPreset } from '@dskd/models';
import type { Normalization } from '@dskd/scoring';
import type { AdamOptions, StudentRunner } from '@dskd/training';
import type { BranchPlan, ObjectiveDescription } from './branches.js';
import type { IgnoreMask } from './ignored-pixels.js';
import type { Teacher } from './teacher.js';

/** One branch: which student, trained on what, how fast. */
export interface BranchOptions {
  /** `local`: multi-level bottleneck. `global`: deepest level only, condensed by the GCCB. */
  readonly branch: 'local' | 'global';
  readonly objective: ObjectiveDescription;
  readonly optimizer: AdamOptions;
}

export interface TrainDetectorOptions {
  /** Good images in its `train` split; good ones in `validation`, if it has them, calibrate. */
  readonly source: ImageSource;
  /** The caller keeps and disposes it, not before the detector. */
  readonly teacher: Teacher;
  /** `[height, width]` in pixels. Default `[256, 256]`. */
  readonly inputSize?: readonly [number, number];
  /** How images of other proportions become that size. Default `stretch`. */
  readonly fit?: Fit;
  /** What fills a letterbox's border: red, green, blue, 0..255. Default: the mean of ImageNet. */
  readonly fill?: Color;
  /**
   * How training images are varied from epoch to epoch, by (seed, epoch, sample id). Teacher features are then
   * computed in every epoch. Statistics, scores and threshold come from images as they are. Default: not at all.
   */
  readonly augmentation?: Augmentation;
  /**
   * Pixels that count neither for statistics nor for any score: 1 channel, not 0 does not count, of any size with
   * the images' proportions. Kept in the artifact. Students are trained on all pixels.
   */
  readonly ignored?: IgnoreMask;
  /** Size of the students. Default `lite`. */
  readonly preset?: StudentPreset;
  /** Replaces parts of what the preset decides, for both students. */
  readonly architecture?: NonNullable<StudentOptions['architecture']>;
  /** Global context condensing block. Default: `full`, with the preset's g. */
  readonly gccb?: NonNullable<StudentOptions['gccb']>;
  /** Default {@link DEFAULT_BRANCHES}. One alone gives a detector of its own; see `combineDetectors`. */
  readonly branches?: Readonly<Record<string, BranchOptions>>;
  /**
   * Initial weights. `teacher-stage4`: the OCBE of global students starts from the teacher's stage 4, whose file
   * must hold `layer4.*`, and is trained on. Default `random`.
   */
  readonly initialize?: { readonly global?: 'random' | 'teacher-stage4' };
  /** Passes over the training images. Default 10. */
  readonly epochs?: number;
  /** Default 16. */
  readonly batchSize?: number;
  /** Root of every random stream. Default 1. */
  readonly seed?: number;
  /** Fraction of the training images kept back for calibration where there is no validation split. Default 0.1. */
  readonly holdOutFraction?: number;
  /** Calibrate on the training images instead (the paper's rule without a validation set). Default false. */
  readonly calibrateOnTraining?: boolean;
  /**
   * Which images give the mean and deviation of each branch (Eq. 8): those that calibrate, or those that
   * trained, while scores and threshold stay those of the ones that calibrate. Default `calibration`.
   */
  readonly statisticsOn?: 'calibration' | 'training';
  /**
   * What of those images normalizes a branch's map before the branches are added: `moments`, mean and deviation
   * (Eq. 8), or `quantiles`, which turns down a branch that is far off on some normal images (see `Normalization` of
   * `@dskd/scoring`). Default `moments`.
   */
  readonly normalization?: Normalization;
  /** Standard deviation of the Gaussian filter in input pixels. Default 4 x min(height, width) / 256. */
  readonly sigma?: number;
  /** The default threshold is the quantile of normal scores for this rate. Default 0.05. */
  readonly falseAlarmRate?: number;
  /** Re-estimate batch-norm statistics over the training images after training. Default false. */
  readonly reestimateBatchNorm?: boolean;
  /** Bytes the cache of teacher features may take. Default 1 GiB. None are kept with `augmentation`. */
  readonly featureCacheBytes?: number;
  /**
   * Makes what trains one student. Default: in this thread. `workerRunnerFor` of `@dskd/detector/node`
   * gives each student a thread of its own.
   */
  readonly runner?: (plan: BranchPlan) => StudentRunner | Promise<StudentRunner>;
  /** Called with the bytes of a checkpoint every so many epochs, and when aborted. */
  readonly checkpoint?: { readonly everyEpochs: number; save(bytes: Uint8Array): Promise<void> };
  /** Bytes of a checkpoint of the same run: goes on where it stopped, to the same bits. */
  readonly resumeFrom?: Uint8Array;
  /** JSON kept in the artifact's training record: a caller's own options that decided the result. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** What is taken where nothing is said. */
export const TRAINING_DEFAULTS = {
  inputSize: [256, 256],
  preset: 'lite',
  epochs: 10,
  batchSize: 16,
  seed: 1,
  holdOutFraction: 0.1,
} as const;

/**
 * The paper's two students: Eq. 1-2 for the local one (flattened, as the code it builds on has it), Eq. 6-7
 * for the global one. Rates found on transistor and bottle: bench/real.md.
 */
export const DEFAULT_BRANCHES: Readonly<Record<string, BranchOptions>> = {
  local: {
    branch: 'local',
    objective: { name: 'flattenedCosine', options: {} },
    optimizer: { learningRate: 0.005 },
  },
  global: {
    branch: 'global',
    objective: { name: 'contextualAffinity', options: { temperature: 1 } },
    optimizer: { learningRate: 0.001 },
  },
};
