import { DEFAULT_BRANCHES, DSKD_DEFAULTS, TRAINING_DEFAULTS } from '@dskd/methods/defaults';
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
  categoryOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  pluginOption,
  reportOption,
  TEACHER_TINY,
} from '../options/shared.js';

/** File of the model where `--out` is not given. */
export const DEFAULT_OUT = 'model.safetensors';

const STUDENTS = 'Students';
const TRAINING = 'Training';
const CALIBRATION = 'Calibration';
const RUNNING = 'Running';

const objective = (): OptionType<
  'flattenedCosine' | 'perPixelCosine' | 'contextualAffinity' | 'covarianceAffinity'
> => choice('flattenedCosine', 'perPixelCosine', 'contextualAffinity', 'covarianceAffinity');

/** `none`, `gcad`, the path of a JSON file or, in a config file, what that file would contain. */
const augmentation = (): OptionType<string | Readonly<Record<string, unknown>>> =>
  new OptionType({ anyOf: [choice('none', 'gcad').schema, text().schema, { type: 'object' }] });

export const trainOptions = {
  data: option(
    text(),
    'MVTec AD or LOCO AD folder, any folder of good images, or a manifest (.csv, .jsonl)',
    { main: true, group: 'Data', value: 'dir', path: true, example: 'images' },
  ),
  category: categoryOption,
  size: option(
    inputSize().default(TRAINING_DEFAULTS.inputSize[0]),
    'input size, e.g. 256 or 320x192; 256 finds smaller defects and takes four times as long',
    {
      main: true,
      group: 'Data',
      value: 'pixels',
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
  ignoreMask: ignoreMaskOption,
  teacher: option(
    text().default(TEACHER_TINY),
    'teacher-tiny needs no file; a backbone needs --weights, e.g. squeezenet1_1, wide_resnet50_2',
    { main: true, group: 'Teacher', value: 'name', recorded: true },
  ),
  weights: option(text().optional(), 'weight file of the teacher', {
    main: true,
    group: 'Teacher',
    value: 'file',
    path: true,
    example: 'teacher.safetensors',
    defaultText: 'the embedded ones of teacher-tiny',
  }),
  levels: option(
    commaSeparated().optional(),
    'levels of the teacher, e.g. layer2,layer3: without the shallow one, twice the --size takes about as long',
    { group: 'Teacher', value: 'names', recorded: true, defaultText: 'those of the teacher' },
  ),
  method: option(
    text().default(TRAINING_DEFAULTS.method),
    'method: dskd, rd (its local student alone), or one that a --plugin registers',
    { group: 'Method', value: 'name', recorded: true },
  ),
  methodOptions: option(
    new OptionType<string | Readonly<Record<string, unknown>>>({
      anyOf: [text().schema, { type: 'object' }],
    }).optional(),
    'options of a method that has no flags here: JSON or, in a config file, what it contains',
    { group: 'Method', value: 'json', recorded: true },
  ),
  preset: option(
    choice('nano', 'lite', 'paper').default(DSKD_DEFAULTS.preset),
    "size of the students; paper also sets the paper's other options",
    { main: true, group: STUDENTS, value: 'name', recorded: true },
  ),
  student: option(
    choice('both', 'local', 'global').default('both'),
    'train one student alone; dskd combine joins two',
    { group: STUDENTS, value: 'which', recorded: true },
  ),
  initializeGlobal: option(
    choice('random', 'teacher-stage4').default(DSKD_DEFAULTS.initializeGlobal),
    "initial weights of the global student's bottleneck",
    { group: STUDENTS, value: 'how', recorded: true },
  ),
  localObjective: option(
    objective().default(DEFAULT_BRANCHES.local.objective.name),
    'loss of the local student',
    {
      group: STUDENTS,
      value: 'name',
      recorded: true,
    },
  ),
  globalObjective: option(
    objective().default(DEFAULT_BRANCHES.global.objective.name),
    'loss of the global student',
    { group: STUDENTS, value: 'name', recorded: true },
  ),
  temperature: option(
    positiveNumber().default(DEFAULT_BRANCHES.global.objective.options.temperature),
    'temperature of the contextual affinity',
    { group: STUDENTS, value: 't', recorded: true },
  ),
  gccb: option(
    choice('full', 'depthwise', 'pool', 'pyramid', 'none').default(DSKD_DEFAULTS.gccb),
    'global context condensing block',
    { group: STUDENTS, value: 'variant', recorded: true },
  ),
  gccbChannels: option(positiveInteger().optional(), 'channels of the condensed context', {
    group: STUDENTS,
    value: 'g',
    defaultText: 'by the preset',
    example: 256,
    recorded: true,
  }),
  epochs: option(positiveInteger().optional(), 'number of epochs', {
    main: true,
    group: TRAINING,
    value: 'n',
    defaultText: `${DSKD_DEFAULTS.minEpochs}, or as many as make ${DSKD_DEFAULTS.minSteps} steps`,
    example: DSKD_DEFAULTS.minEpochs,
    recorded: true,
  }),
  batchSize: option(positiveInteger().default(DSKD_DEFAULTS.batchSize), 'images per step', {
    group: TRAINING,
    value: 'n',
    recorded: true,
  }),
  seed: option(wholeNumber().default(TRAINING_DEFAULTS.seed), 'seed of all random numbers', {
    main: true,
    group: TRAINING,
    value: 'n',
    recorded: true,
  }),
  localLearningRate: option(
    positiveNumber().default(DEFAULT_BRANCHES.local.optimizer.learningRate),
    'learning rate of the local student (Adam with 0.5 and 0.999)',
    { group: TRAINING, value: 'rate', recorded: true },
  ),
  globalLearningRate: option(
    positiveNumber().default(DEFAULT_BRANCHES.global.optimizer.learningRate),
    'learning rate of the global student (Adam with 0.5 and 0.999)',
    { group: TRAINING, value: 'rate', recorded: true },
  ),
  reestimateBatchNorm: option(
    boolean().default(DSKD_DEFAULTS.reestimateBatchNorm),
    'compute the batch-norm statistics over all training images at the end',
    { group: TRAINING, recorded: true },
  ),
  holdOut: option(
    fraction().default(TRAINING_DEFAULTS.holdOutFraction),
    'share of the good images held out for calibration, where there is no validation folder',
    // Not recorded here: the detector records it as `holdOutFraction`, which `dskd combine` reads.
    { group: CALIBRATION, value: 'fraction' },
  ),
  calibrateOnTraining: option(
    boolean().default(TRAINING_DEFAULTS.onTrainingImages),
    'calibrate on the training images instead',
    { group: CALIBRATION, recorded: true },
  ),
  statisticsOn: option(
    choice('calibration', 'training').default(TRAINING_DEFAULTS.statisticsOn),
    'images that give the normalization statistics of each branch',
    { group: CALIBRATION, value: 'images', recorded: true },
  ),
  normalization: option(
    choice('moments', 'quantiles').default(TRAINING_DEFAULTS.normalization),
    'how the maps of a branch are normalized: by mean and standard deviation, or by two quantiles',
    { group: CALIBRATION, value: 'how', recorded: true },
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
    'memory for cached teacher features, in MiB',
    { group: RUNNING, value: 'n' },
  ),
  checkpoint: option(
    text().optional(),
    'save the run to this file, also on Ctrl-C; if the file exists, resume from it',
    { main: true, group: RUNNING, value: 'file', path: true, example: 'run.checkpoint' },
  ),
  checkpointEvery: option(positiveInteger().default(1), 'epochs between two checkpoints', {
    group: RUNNING,
    value: 'epochs',
  }),
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
  storage: option(
    choice('float32', 'float16').default('float32'),
    'number format of the students in the file',
    { group: 'Result', value: 'type' },
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
  recipe: async ({ preset, category }) => {
    if (preset !== 'paper') return {};
    const { paperOptions } = await import('./train/training-options.js');
    return paperOptions(typeof category === 'string' ? category : undefined);
  },
  run: async (options, _, signal) => (await import('./train/run.js')).runTraining(options, signal),
});
