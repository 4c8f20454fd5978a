import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  number,
  option,
  positiveInteger,
  text,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const predictOptions = {
  watch: option(text().optional(), 'also score every image that is put into this folder, until Ctrl-C', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'incoming',
  }),
  ignoreMask: ignoreMaskOption,
  out: option(text().optional(), 'write a heat map over each image, all on the same color scale', {
    main: true,
    group: 'Result',
    value: 'dir',
    path: true,
    example: 'heat-maps',
  }),
  threshold: option(number().optional(), 'images with a higher score are anomalous', {
    main: true,
    group: 'Result',
    value: 'score',
    defaultText: "the model's own",
    example: 5,
  }),
  minArea: option(
    positiveInteger().default(1),
    "smallest region reported, in pixels of the network's input",
    { group: 'Result', value: 'pixels' },
  ),
  explain: option(
    boolean().default(false),
    'name the nearest good patch of each region: training image, place, distance (instant, patchcore); with --out also show it, if the model has thumbnails',
    { main: true, group: 'Result' },
  ),
  weights: teacherWeightsOption,
  engine: option(
    choice('auto', 'tfjs', 'onnx').default('auto'),
    'what computes: auto takes ONNX Runtime where onnxruntime-node is installed and the method can be exported, else TensorFlow.js',
    { main: true, value: 'name', group: 'Running' },
  ),
  workers: option(
    wholeNumber().default(0),
    'score in this many worker threads, each with the whole model; for many images one for each core, with --threads 1',
    { value: 'count', group: 'Running' },
  ),
  threads: option(
    positiveInteger().optional(),
    'threads that compute, in each worker: of ONNX Runtime, or of the backend wasm',
    {
      value: 'count',
      group: 'Running',
      defaultText: 'the cores, divided among the workers; 4 at most on wasm',
      example: 1,
    },
  ),
  backend: backendOption,
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('errors as a line of JSON, too; predictions are JSON lines always'),
};

export type PredictOptions = OptionValues<typeof predictOptions>;

export const predict = defineCommand({
  name: 'predict',
  summary: 'say whether and where images are anomalous: one line of JSON each',
  arguments: [
    ['<model>', 'a file that dskd train or dskd export wrote'],
    ['[images...]', 'images, or folders of images'],
  ],
  options: predictOptions,
  run: async (options, [model, ...images], signal) =>
    (await import('./predict/run.js')).runPrediction(model!, images, options, signal),
});
