import { defineCommand } from '../define-command.js';
import { option, text, type OptionValues } from '../options/option.js';
import {
  backendOption,
  configOption,
  dataOptions,
  ignoreMaskOption,
  MODEL_ARGUMENT,
  outputOptions,
  pluginOption,
  reportOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const evaluateOptions = {
  ...dataOptions('dataset (MVTec AD, LOCO AD, BTAD, VisA) or manifest with test images'),
  subsets: option(
    text().optional(),
    'for MVTec AD: a list of the images whose anomaly is logical, one per line',
    { group: 'Data', value: 'file', path: true, example: 'logical.txt' },
  ),
  ignoreMask: ignoreMaskOption,
  out: option(text().optional(), 'write the whole result, with every score, as JSON', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: 'result.json',
  }),
  csv: option(text().optional(), 'write all numbers as a CSV table, one per row', {
    group: 'Result',
    value: 'file',
    path: true,
    example: 'result.csv',
  }),
  markdown: option(text().optional(), 'write the tables as Markdown', {
    group: 'Result',
    value: 'file',
    path: true,
    example: 'result.md',
  }),
  report: reportOption,
  writeMaps: option(
    text().optional(),
    "write the anomaly map of each test image, at the image's size, for MVTec's evaluation scripts (TIFF, 32-bit floats)",
    { group: 'Result', value: 'dir', path: true, example: 'anomaly-maps' },
  ),
  mapsOf: option(text().default('fused'), 'maps that --write-maps writes: fused, or those of a branch', {
    group: 'Result',
    value: 'name',
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('the result as one line of JSON on standard output'),
};

export type EvaluateOptions = OptionValues<typeof evaluateOptions>;

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'score the test images of a dataset and compare with its labels and masks',
  arguments: [MODEL_ARGUMENT],
  options: evaluateOptions,
  run: async (options, [model], signal) =>
    (await import('./evaluate/run.js')).runEvaluation(model!, options, signal),
});
