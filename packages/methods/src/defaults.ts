// Every default of a training, for the API, the command line and its config file alike. This file imports nothing, so
// that the help of the command line reads it without loading a library.

/** Defaults of the methods `dskd` and `rd`. */
const DSKD_DEFAULTS = {
  /**
   * The paper's two students: Eq. 1-2 for the local one (flattened, as the code it builds on has it); for the global one the limit of
   * Eq. 6-7 for high temperatures, which detects as well with each step and takes a fifth of the time at 256 px:
   * bench/covariance-affinity.md. Learning rates found on transistor and bottle: bench/real.md.
   */
  branches: {
    local: {
      branch: 'local',
      objective: { name: 'flattenedCosine', options: {} },
      optimizer: { learningRate: 0.005 },
    },
    global: {
      branch: 'global',
      objective: { name: 'covarianceAffinity', options: {} },
      optimizer: { learningRate: 0.001 },
    },
  },
  /** Of the contextual affinity, where it is chosen. */
  temperature: 1,
  /** Small students for many steps are better than larger ones for few, in the same time: bench/quality-time.md. */
  preset: 'nano',
  batchSize: 8,
  reestimateBatchNorm: true,
  gccb: 'full',
  initializeGlobal: 'random',
  /** Where neither epochs nor minutes are given: whole epochs, until there are at least so many steps. */
  minSteps: 400,
  /** Of early stopping, where it is asked for: at most so many steps where the number of epochs is not given. */
  mostSteps: 1000,
  patience: 10,
  heldOutFraction: 0.1,
} as const;

const PAPER_ADAM = { learningRate: 0.005, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 } as const;

/** What the paper trained with: students of the teacher's widths, g = 1024, 200 epochs, Adam 0.5 / 0.999 at 0.005. */
const PAPER = {
  preset: 'paper',
  gccb: { variant: 'full', channels: 1024 },
  branches: {
    local: { ...DSKD_DEFAULTS.branches.local, optimizer: PAPER_ADAM },
    global: {
      branch: 'global',
      objective: { name: 'contextualAffinity', options: { temperature: 1 } },
      optimizer: PAPER_ADAM,
    },
  },
  epochs: 200,
  batchSize: 16,
  reestimateBatchNorm: false,
  initialize: { global: 'random' },
} as const;

/** Defaults that hold where neither the user nor the method says otherwise, and those of the methods `dskd` and `rd`. */
export const TRAINING_DEFAULTS = {
  method: 'instant',
  seed: 1,
  /** `[height, width]` in pixels, where the method prefers no larger side or the images have none. */
  inputSize: [128, 128],
  /**
   * Side of the input of {@link closedForm} methods, where images are as large. A pass of the teacher, where they have one, is
   * most of their fit, and takes seconds even so; finer positions show smaller faults.
   */
  preferredSide: 256,
  /** Methods that are fitted in seconds, without epochs: the best known first. */
  closedForm: ['instant', 'patchcore', 'padim', 'fre', 'gaussian', 'spade', 'sinbad', 'vm'],
  /** Methods that have no teacher. */
  withoutTeacher: ['ae', 'ae-ssim', 'fanogan', 'mnad', 'vae', 'vm'],
  fit: 'stretch',
  /** Of a letterbox's border: the mean of ImageNet. */
  fill: [124, 116, 104],
  holdOutFraction: 0.1,
  onTrainingImages: false,
  statisticsOn: 'calibration',
  normalization: 'moments',
  fusion: 'sum',
  falseAlarmRate: 0.05,
  featureCacheBytes: 2 ** 30,
  dskd: DSKD_DEFAULTS,
  /** Of the methods that train a network on images: their epochs, by name. */
  imageStudents: {
    epochs: { stfpm: 40, ae: 100, vae: 100, 'ae-ssim': 40, mkd: 30, mnad: 20, gcad: 20, fanogan: 30 },
    batchSize: 16,
  },
  /** Of the methods whose networks predict a teacher's embedding: their steps, in whole epochs, by name. */
  patchStudents: { steps: { efficientad: 1000, puad: 1000, us: 1000 }, batchSize: 4 },
  /** Options of the method `dskd` as published, all of them. */
  paper: PAPER,
} as const;
