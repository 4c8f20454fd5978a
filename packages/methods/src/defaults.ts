// Every default of a training, for the API, the command line and its config file alike. This file imports nothing, so
// that the help of the command line reads it without loading a library.

/** Defaults that hold where neither the user nor the method says otherwise. */
export const TRAINING_DEFAULTS = {
  method: 'instant',
  seed: 1,
  /** `[height, width]` in pixels, where the method prefers no larger side or the images have none. */
  inputSize: [128, 128],
  fit: 'stretch',
  holdOutFraction: 0.1,
  onTrainingImages: false,
  statisticsOn: 'calibration',
  normalization: 'moments',
  fusion: 'sum',
  falseAlarmRate: 0.05,
  featureCacheBytes: 2 ** 30,
} as const;

/** Methods that are fitted in closed form, in one pass over the images: the best known first. */
export const CLOSED_FORM_METHODS = ['instant', 'patchcore', 'padim', 'fre', 'gaussian'] as const;

/**
 * Side of the input of these methods, where images are as large. A pass of the teacher is most of their fit, and takes
 * seconds even so; finer positions show smaller faults.
 */
export const PREFERRED_SIDE = 256;

/**
 * The paper's two students: Eq. 1-2 for the local one (flattened, as the code it builds on has it), Eq. 6-7 for the
 * global one. Learning rates found on transistor and bottle: bench/real.md.
 */
export const DEFAULT_BRANCHES = {
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
} as const;

/** Defaults of the methods `dskd` and `rd`. */
export const DSKD_DEFAULTS = {
  preset: 'lite',
  batchSize: 16,
  reestimateBatchNorm: false,
  gccb: 'full',
  initializeGlobal: 'random',
  /** Where the number of epochs is not given: at least so many, and at least so many steps. */
  minEpochs: 10,
  minSteps: 100,
} as const;
