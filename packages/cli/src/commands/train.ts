import { TRAINING_DEFAULTS } from '@dskd/methods/defaults';
import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  commaSeparated,
  fraction,
  inputSize,
  integer,
  number,
  option,
  OptionType,
  positiveInteger,
  positiveNumber,
  text,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  configOption,
  dataOptions,
  ignoreMaskOption,
  outputOptions,
  pluginOption,
  reportOption,
  TEACHER_TINY,
} from '../options/shared.js';

const { dskd: DSKD_DEFAULTS } = TRAINING_DEFAULTS;
const { epochs: IMAGE_EPOCHS } = TRAINING_DEFAULTS.imageStudents;
const IMAGE_METHODS = Object.keys(IMAGE_EPOCHS);
const { steps: PATCH_STEPS, batchSize: PATCH_BATCH } = TRAINING_DEFAULTS.patchStudents;
const PATCH_METHODS = Object.keys(PATCH_STEPS);

/** File of the model if `--out` is not given. */
export const DEFAULT_OUT = 'model.safetensors';

const METHOD = 'Method';
const STUDENTS = 'Students (method dskd or rd)';
const CALIBRATION = 'Calibration';
const RUNNING = 'Running';

/** Options of the methods that train students. */
const OF_STUDENTS = { group: STUDENTS, methods: ['dskd', 'rd'], recorded: true } as const;
/** Options of every training in epochs. */
const OF_TRAININGS = {
  ...OF_STUDENTS,
  methods: [...OF_STUDENTS.methods, ...IMAGE_METHODS, ...PATCH_METHODS],
} as const;
/** Options of the paper's method only: `rd` has no global student. */
const OF_DSKD = { ...OF_STUDENTS, methods: ['dskd'] } as const;
/** Options of fits that take long enough to be interrupted, possibly also those of plugins' methods. */
const OF_LONG_FITS = { group: STUDENTS, methods: { allBut: TRAINING_DEFAULTS.closedForm } } as const;

/** Options of the methods that have a teacher, possibly also those of plugins. */
const OF_TEACHER = { group: 'Teacher', methods: { allBut: TRAINING_DEFAULTS.withoutTeacher } } as const;

const objective = (): OptionType<
  'flattenedCosine' | 'perPixelCosine' | 'contextualAffinity' | 'covarianceAffinity'
> => choice('flattenedCosine', 'perPixelCosine', 'contextualAffinity', 'covarianceAffinity');

/** `none`, `gcad`, the path of a JSON file or, in a config file, the content of such a file. */
const augmentation = (): OptionType<string | Readonly<Record<string, unknown>>> =>
  new OptionType({ anyOf: [choice('none', 'gcad').schema, text().schema, { type: 'object' }] });

export const trainOptions = {
  ...dataOptions(
    'dataset (MVTec AD, LOCO AD, BTAD, VisA), a folder of good images, or a manifest (.csv, .jsonl)',
  ),
  size: option(
    inputSize().optional(),
    'input size, e.g. 256 or 320x192; twice the size finds smaller defects and takes four times as long',
    {
      main: true,
      group: 'Data',
      value: 'pixels',
      defaultText: `${TRAINING_DEFAULTS.preferredSide}; ${TRAINING_DEFAULTS.inputSize[0]} where images are smaller, and for students`,
      example: TRAINING_DEFAULTS.preferredSide,
      wanted: 'pixels such as 256, or height x width such as 320x192, at least 32',
      recorded: true,
    },
  ),
  tiles: option(
    integer({ minimum: 32 }).optional(),
    'side of tiles: for small defects, see the image at --size in tiles, in bounded memory',
    { group: 'Data', value: 'pixels', defaultText: 'none', example: 256, recorded: true },
  ),
  tileOverlap: option(wholeNumber().optional(), 'pixels that neighboring tiles share', {
    group: 'Data',
    value: 'pixels',
    defaultText: 'an eighth of --tiles',
    example: 32,
    recorded: true,
  }),
  fit: option(
    choice('stretch', 'letterbox').default(TRAINING_DEFAULTS.fit),
    'how an image of another aspect ratio is resized: stretched, or with a border',
    { group: 'Data', value: 'how', recorded: true },
  ),
  intensityRange: option(
    text().optional(),
    'for 16-bit images: values that become black and white, or auto, from the training images; kept in the model',
    {
      group: 'Data',
      value: 'low:high',
      defaultText: 'the upper 8 bits',
      example: '21000:21400',
      wanted: 'auto, or two whole numbers from 0 to 65535 such as 21000:21400',
      recorded: true,
    },
  ),
  augment: option(
    augmentation().default('none'),
    'augmentation of the training images: none, gcad (flips by category, small rotations, colors) or a JSON file',
    {
      group: 'Data',
      value: 'what',
      path: true,
      wanted: 'none, gcad, a JSON file or, in a config file, the content of one',
    },
  ),
  copies: option(
    integer({ minimum: 1, maximum: 64 }).optional(),
    'altered copies of each image that are learned with --augment: for few images; one image is enough then',
    {
      group: 'Data',
      value: 'n',
      defaultText: '4 with --augment',
      example: 8,
      recorded: true,
    },
  ),
  ignoreMask: ignoreMaskOption,
  teacher: option(
    text().default(TEACHER_TINY),
    'teacher-tiny needs no file; a backbone needs --weights, e.g. squeezenet1_1, wide_resnet50_2',
    { main: true, ...OF_TEACHER, value: 'name', recorded: true },
  ),
  weights: option(text().optional(), 'weight file of the teacher', {
    main: true,
    ...OF_TEACHER,
    value: 'file',
    path: true,
    example: 'teacher.safetensors',
    defaultText: 'the embedded ones of teacher-tiny',
  }),
  teacherEngine: option(
    choice('auto', 'tfjs', 'onnx').default('tfjs'),
    "what computes the teacher's features: onnx is faster on a CPU and needs onnxruntime-node; auto takes it where it is. Features differ by 1e-4 at most",
    { ...OF_TEACHER, value: 'engine' },
  ),
  levels: option(
    commaSeparated().optional(),
    'levels of the teacher, e.g. layer2,layer3: without the shallow one, twice the --size takes about as long',
    { ...OF_TEACHER, value: 'names', recorded: true, defaultText: 'those of the teacher' },
  ),
  method: option(
    text().default(TRAINING_DEFAULTS.method),
    `${TRAINING_DEFAULTS.closedForm.join(', ')} learn in seconds; dskd (the paper's two students), rd (the local one), ${IMAGE_METHODS.join(', ')} in minutes; or one that a --plugin registers`,
    {
      main: true,
      group: METHOD,
      value: 'name',
      defaultText: `${TRAINING_DEFAULTS.method}; dskd where an option of the students is given`,
      recorded: true,
    },
  ),
  methodOptions: option(
    new OptionType<string | Readonly<Record<string, unknown>>>({
      anyOf: [text().schema, { type: 'object' }],
    }).optional(),
    "the method's options that have no flag: JSON, e.g. '{\"pooled\": null}', or, in a config file, what it contains",
    { group: METHOD, value: 'json', recorded: true },
  ),
  seed: option(wholeNumber().default(TRAINING_DEFAULTS.seed), 'seed of all random numbers', {
    main: true,
    group: METHOD,
    value: 'n',
    recorded: true,
  }),
  preset: option(
    choice('nano', 'lite', 'paper').default(DSKD_DEFAULTS.preset),
    "size of the students; paper also sets the paper's other options",
    { main: true, ...OF_STUDENTS, value: 'name' },
  ),
  student: option(
    choice('both', 'local', 'global').default('both'),
    'train one student alone; dskd combine joins two',
    { ...OF_DSKD, value: 'which' },
  ),
  initializeGlobal: option(
    choice('random', 'teacher-stage4').default(DSKD_DEFAULTS.initializeGlobal),
    "initial weights of the global student's bottleneck",
    { ...OF_DSKD, value: 'how' },
  ),
  localObjective: option(
    objective().default(DSKD_DEFAULTS.branches.local.objective.name),
    'loss of the local student',
    { ...OF_STUDENTS, value: 'name' },
  ),
  globalObjective: option(
    objective().default(DSKD_DEFAULTS.branches.global.objective.name),
    'loss of the global student',
    { ...OF_DSKD, value: 'name' },
  ),
  temperature: option(
    positiveNumber().default(DSKD_DEFAULTS.temperature),
    'temperature of the contextual affinity',
    { ...OF_STUDENTS, value: 't' },
  ),
  gccb: option(
    choice('full', 'depthwise', 'pool', 'pyramid', 'none').default(DSKD_DEFAULTS.gccb),
    'global context condensing block',
    { ...OF_DSKD, value: 'variant' },
  ),
  gccbChannels: option(positiveInteger().optional(), 'channels of the condensed context', {
    ...OF_DSKD,
    value: 'g',
    defaultText: 'by the preset',
    example: 256,
  }),
  epochs: option(positiveInteger().optional(), 'number of epochs', {
    main: true,
    ...OF_TRAININGS,
    value: 'n',
    defaultText:
      `as many as make ${DSKD_DEFAULTS.minSteps} steps; ` +
      [
        ...Object.entries(PATCH_STEPS).map(([method, steps]) => `${steps} steps for ${method}`),
        ...Object.entries(IMAGE_EPOCHS).map(([method, epochs]) => `${epochs} for ${method}`),
      ].join(', '),
    example: 20,
  }),
  minutes: option(
    positiveNumber().optional(),
    'minutes of training in place of --epochs: it ends with the last epoch that fits',
    { main: true, ...OF_TRAININGS, value: 'n', example: 5 },
  ),
  earlyStopping: option(
    positiveInteger().optional(),
    `end when good images that are kept back have not improved for so many epochs; without --epochs or --minutes, after ${DSKD_DEFAULTS.mostSteps} steps at the latest`,
    { ...OF_TRAININGS, value: 'epochs', example: DSKD_DEFAULTS.patience },
  ),
  batchSize: option(positiveInteger().optional(), 'images per step', {
    ...OF_TRAININGS,
    value: 'n',
    defaultText: `${DSKD_DEFAULTS.batchSize}; ${TRAINING_DEFAULTS.imageStudents.batchSize} for ${IMAGE_METHODS.join(', ')}; ${PATCH_BATCH} for ${PATCH_METHODS.join(', ')}`,
    example: DSKD_DEFAULTS.batchSize,
  }),
  localLearningRate: option(
    positiveNumber().default(DSKD_DEFAULTS.branches.local.optimizer.learningRate),
    'learning rate of the local student (Adam with 0.5 and 0.999)',
    { ...OF_STUDENTS, value: 'rate' },
  ),
  globalLearningRate: option(
    positiveNumber().default(DSKD_DEFAULTS.branches.global.optimizer.learningRate),
    'learning rate of the global student (Adam with 0.5 and 0.999)',
    { ...OF_DSKD, value: 'rate' },
  ),
  reestimateBatchNorm: option(
    boolean().default(DSKD_DEFAULTS.reestimateBatchNorm),
    'compute the batch-norm statistics over all training images at the end',
    { ...OF_STUDENTS, negative: 'keep the running statistics of the last steps' },
  ),
  checkpoint: option(
    text().optional(),
    'save the run to this file, also on Ctrl-C; if the file exists, resume from it',
    { main: true, ...OF_LONG_FITS, value: 'file', path: true, example: 'run.checkpoint' },
  ),
  checkpointEvery: option(positiveInteger().default(1), 'epochs between two checkpoints', {
    ...OF_LONG_FITS,
    value: 'epochs',
  }),
  holdOut: option(
    fraction().default(TRAINING_DEFAULTS.holdOutFraction),
    'share of the good images held out for calibration, where there is no validation folder',
    // Not recorded here: the detector records it as `holdOutFraction`, which `dskd combine` reads.
    { group: CALIBRATION, value: 'fraction' },
  ),
  calibrateOnTraining: option(
    boolean().default(TRAINING_DEFAULTS.onTrainingImages),
    'calibrate on the training images instead (students only)',
    { group: CALIBRATION, recorded: true },
  ),
  statisticsOn: option(
    choice('calibration', 'training').default(TRAINING_DEFAULTS.statisticsOn),
    'images that give the normalization statistics of each branch',
    { group: CALIBRATION, value: 'images', recorded: true },
  ),
  normalization: option(
    choice('moments', 'quantiles', 'image-scores').optional(),
    'what normalizes a branch: mean and deviation of its maps, two quantiles of them, or mean and deviation of its image scores',
    {
      group: CALIBRATION,
      value: 'how',
      defaultText: `the method's own: image-scores for ${TRAINING_DEFAULTS.method} and dskd (${TRAINING_DEFAULTS.normalization} with --preset paper)`,
      example: 'image-scores',
      recorded: true,
    },
  ),
  fusion: option(
    choice('sum', 'soft-maximum', 'maximum').optional(),
    'how the normalized branches become one',
    {
      group: CALIBRATION,
      value: 'rule',
      defaultText: `the method's own: soft-maximum for ${TRAINING_DEFAULTS.method} and dskd (${TRAINING_DEFAULTS.fusion} with --preset paper)`,
      example: 'soft-maximum',
      recorded: true,
    },
  ),
  falseAlarmRate: option(
    fraction().default(TRAINING_DEFAULTS.falseAlarmRate),
    'false-alarm rate that the threshold is chosen for',
    { group: CALIBRATION, value: 'rate', recorded: true },
  ),
  sigma: option(
    number({ minimum: 0 }).optional(),
    'standard deviation of the Gaussian filter of the maps, in input pixels',
    {
      group: CALIBRATION,
      value: 'pixels',
      defaultText: '4 at 256 px, in proportion to the size',
      example: 4,
      recorded: true,
    },
  ),
  backend: backendOption,
  workers: option(boolean().default(true), 'train each student in its own thread', {
    group: RUNNING,
    negative: 'train all students in one thread',
  }),
  cacheMb: option(
    wholeNumber().default(TRAINING_DEFAULTS.featureCacheBytes / 2 ** 20),
    'memory for cached teacher features that students learn from, in MiB',
    { group: RUNNING, value: 'n' },
  ),
  plugin: pluginOption,
  out: option(text().optional(), 'file of the model (.safetensors)', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: DEFAULT_OUT,
    defaultText: `${DEFAULT_OUT}, which must not exist yet`,
  }),
  report: reportOption,
  storage: option(choice('float32', 'float16').optional(), 'number format of what was learned, in the file', {
    group: 'Result',
    value: 'type',
    defaultText: `that of the method: float16 for ${TRAINING_DEFAULTS.method}, float32 for students`,
    example: 'float16',
  }),
  thumbnails: option(
    integer({ minimum: 16, maximum: 256 }).optional(),
    'also keep each training image in the model, with so many pixels on its longer side: predict --explain and reports show it (instant, patchcore)',
    { group: 'Result', value: 'pixels', defaultText: 'none', example: 64 },
  ),
  embedTeacher: option(boolean().default(true), 'store the teacher in the model', {
    group: 'Result',
    negative: 'store only the hash of the teacher in the model',
  }),
  dryRun: option(boolean().default(false), 'print the memory and time it would take, and train nothing', {
    main: true,
    flagOnly: true,
  }),
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
};

export type TrainOptions = OptionValues<typeof trainOptions>;

export const train = defineCommand({
  name: 'train',
  summary: 'train a detector on images of good parts only',
  options: trainOptions,
  recipe: async (given) => {
    const { methodFor } = await import('./train/method-for.js');
    const method = methodFor(given, trainOptions);
    if (given.preset !== 'paper') return { method };
    const { paperOptions } = await import('./train/training-options.js');
    return { ...paperOptions(typeof given.category === 'string' ? given.category : undefined), method };
  },
  run: async (options, _, signal) => (await import('./train/run.js')).runTraining(options, signal),
});
