import { z } from 'zod';
import {
  fraction,
  inputSize,
  names,
  option,
  positiveInteger,
  positiveNumber,
  text,
  wholeNumber,
} from './option.js';
import {
  backendOption,
  categoryOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  reportOption,
  TEACHER_TINY,
} from './shared.js';

const objective = z.enum(['flattenedCosine', 'perPixelCosine', 'contextualAffinity', 'covarianceAffinity']);

/** What is trained where `--epochs` is not given. */
export const LEAST_EPOCHS = 10;
export const LEAST_STEPS = 100;

/** Where the model goes without `--out`. */
export const DEFAULT_OUT = 'model.safetensors';

const STUDENTS = 'Students';
const TRAINING = 'Training';
const CALIBRATION = 'Calibration';
const RUNNING = 'Running';

/** What `dskd train` can be told. */
export const trainOptions = z.strictObject({
  data: option(
    text(),
    'MVTec AD or LOCO AD folder, any folder of good images, or a manifest (.csv, .jsonl)',
    {
      main: true,
      group: 'Data',
      value: 'dir',
      path: true,
      example: 'images',
    },
  ),
  category: categoryOption,
  size: option(
    inputSize.prefault(128),
    'input size, e.g. 256 or 320x192; 256 sees smaller defects and takes four times as long',
    {
      main: true,
      group: 'Data',
      value: 'pixels',
      wanted: 'pixels such as 256, or height x width such as 320x192, at least 32',
      recorded: true,
    },
  ),
  fit: option(
    z.enum(['stretch', 'letterbox']).default('stretch'),
    'how an image of another shape becomes the input: each side apart, or with a border',
    { group: 'Data', value: 'how', recorded: true },
  ),
  augment: option(
    z.union([z.enum(['none', 'gcad']), text(), z.record(z.string(), z.json())]).default('none'),
    'how training images are varied: none, gcad (flips by category, small rotations, colors) or a JSON file',
    {
      group: 'Data',
      value: 'what',
      path: true,
      wanted: 'none, gcad, a JSON file or, in a config file, what would stand in it',
    },
  ),
  ignoreMask: ignoreMaskOption,
  teacher: option(
    text().default(TEACHER_TINY),
    'teacher-tiny needs no file; a backbone with --weights, e.g. squeezenet1_1, wide_resnet50_2',
    { main: true, group: 'Teacher', value: 'name', recorded: true },
  ),
  weights: option(text().optional(), "the teacher's weights", {
    main: true,
    group: 'Teacher',
    value: 'file',
    path: true,
    example: 'teacher.safetensors',
    defaultText: "teacher-tiny's own",
  }),
  levels: option(
    names.optional(),
    "the teacher's levels, e.g. layer2,layer3: without the shallow one, twice the --size takes about as long",
    { group: 'Teacher', value: 'names', recorded: true, defaultText: "the teacher's own" },
  ),
  preset: option(
    z.enum(['nano', 'lite', 'paper']).default('lite'),
    'size of the students; paper sets the rest, too',
    {
      main: true,
      group: STUDENTS,
      value: 'name',
      recorded: true,
    },
  ),
  student: option(
    z.enum(['both', 'local', 'global']).default('both'),
    'train one alone; dskd combine joins two',
    {
      group: STUDENTS,
      value: 'which',
      recorded: true,
    },
  ),
  initializeGlobal: option(
    z.enum(['random', 'teacher-stage4']).default('random'),
    "where the global student's bottleneck starts",
    { group: STUDENTS, value: 'how', recorded: true },
  ),
  localObjective: option(objective.default('flattenedCosine'), 'what the local student learns by', {
    group: STUDENTS,
    value: 'name',
    recorded: true,
  }),
  globalObjective: option(objective.default('contextualAffinity'), 'what the global student learns by', {
    group: STUDENTS,
    value: 'name',
    recorded: true,
  }),
  temperature: option(positiveNumber().default(1), 'of the contextual affinity', {
    group: STUDENTS,
    value: 't',
    recorded: true,
  }),
  gccb: option(
    z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']).default('full'),
    'global context condensing block',
    { group: STUDENTS, value: 'variant', recorded: true },
  ),
  gccbChannels: option(positiveInteger().optional(), 'channels of the condensed context', {
    group: STUDENTS,
    value: 'g',
    defaultText: "the preset's",
    example: 256,
    recorded: true,
  }),
  epochs: option(positiveInteger().optional(), 'passes over the images', {
    main: true,
    group: TRAINING,
    value: 'n',
    defaultText: `${LEAST_EPOCHS}, or more where those are below ${LEAST_STEPS} steps`,
    example: LEAST_EPOCHS,
    recorded: true,
  }),
  batchSize: option(positiveInteger().default(16), 'images per step', {
    group: TRAINING,
    value: 'n',
    recorded: true,
  }),
  seed: option(wholeNumber().default(1), 'root of all randomness', {
    main: true,
    group: TRAINING,
    value: 'n',
    recorded: true,
  }),
  localLearningRate: option(positiveNumber().default(0.005), "the local student's, Adam 0.5 / 0.999", {
    group: TRAINING,
    value: 'rate',
    recorded: true,
  }),
  globalLearningRate: option(positiveNumber().default(0.001), "the global student's, Adam 0.5 / 0.999", {
    group: TRAINING,
    value: 'rate',
    recorded: true,
  }),
  reestimateBatchNorm: option(
    z.boolean().default(false),
    'average batch-norm statistics over the images at the end',
    { group: TRAINING, recorded: true },
  ),
  holdOut: option(
    fraction().default(0.1),
    'share of the good images kept back to calibrate, where there is no validation folder',
    { group: CALIBRATION, value: 'fraction', recorded: true },
  ),
  calibrateOnTraining: option(z.boolean().default(false), 'calibrate on the training images instead', {
    group: CALIBRATION,
    recorded: true,
  }),
  statisticsOn: option(
    z.enum(['calibration', 'training']).default('calibration'),
    "which images give each branch's mean and deviation",
    { group: CALIBRATION, value: 'images', recorded: true },
  ),
  normalization: option(
    z.enum(['moments', 'quantiles']).default('moments'),
    'what of them makes branches comparable; quantiles turn down one that is often far off',
    { group: CALIBRATION, value: 'how', recorded: true },
  ),
  falseAlarmRate: option(fraction().default(0.05), 'what the threshold is chosen for', {
    group: CALIBRATION,
    value: 'rate',
    recorded: true,
  }),
  sigma: option(z.number().min(0).optional(), 'Gaussian filter of the maps, in input pixels', {
    group: CALIBRATION,
    value: 'pixels',
    defaultText: '4 at 256 px, in proportion',
    example: 4,
    recorded: true,
  }),
  backend: backendOption,
  workers: option(z.boolean().default(true), 'each student in a thread of its own', {
    group: RUNNING,
    negative: 'train all students in one thread',
  }),
  cacheMb: option(wholeNumber().default(1024), 'memory for cached teacher features', {
    group: RUNNING,
    value: 'n',
  }),
  checkpoint: option(text().optional(), 'save the run here, also on Ctrl-C; goes on from it if it exists', {
    main: true,
    group: RUNNING,
    value: 'file',
    path: true,
    example: 'run.checkpoint',
  }),
  checkpointEvery: option(positiveInteger().default(1), 'epochs between two checkpoints', {
    group: RUNNING,
    value: 'epochs',
  }),
  out: option(text().optional(), 'where the model goes (.safetensors)', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: DEFAULT_OUT,
    defaultText: `${DEFAULT_OUT}, which must not be there yet`,
  }),
  report: reportOption,
  storage: option(z.enum(['float32', 'float16']).default('float32'), 'numbers of the students in the file', {
    group: 'Result',
    value: 'type',
  }),
  embedTeacher: option(z.boolean().default(true), 'store the teacher in the model', {
    group: 'Result',
    negative: 'name the teacher by hash instead of storing it in the model',
  }),
  dryRun: option(z.boolean().default(false), 'say what it would cost here, and train nothing', {
    main: true,
    flagOnly: true,
  }),
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
});

export type TrainOptions = z.output<typeof trainOptions>;
