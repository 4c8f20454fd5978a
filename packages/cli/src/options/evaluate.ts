import { z } from 'zod';
import { option, text } from './option.js';
import {
  backendOption,
  categoryOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  reportOption,
  teacherWeightsOption,
} from './shared.js';

/** What `dskd evaluate` can be told. */
export const evaluateOptions = z.strictObject({
  data: option(text(), 'MVTec AD or LOCO AD folder or manifest with test images', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'images',
  }),
  category: categoryOption,
  subsets: option(
    text().optional(),
    'of MVTec AD: a list of the images whose anomaly is logical, one a line',
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
  csv: option(text().optional(), 'write all numbers as a table, a row each', {
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
    "write a map of each test image, at its own size, for MVTec's evaluation scripts (TIFF, 32-bit floats)",
    { group: 'Result', value: 'dir', path: true, example: 'anomaly-maps' },
  ),
  mapsOf: option(text().default('fused'), 'which maps --write-maps writes: fused, or those of a branch', {
    group: 'Result',
    value: 'name',
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  config: configOption,
  ...outputOptions('the result as one line of JSON on standard output'),
});

export type EvaluateOptions = z.output<typeof evaluateOptions>;
