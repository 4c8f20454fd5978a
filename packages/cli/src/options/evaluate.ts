import { z } from 'zod';
import { option, text } from './option.js';
import {
  backendOption,
  categoryOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  teacherWeightsOption,
} from './shared.js';

/** What `dskd evaluate` can be told. */
export const evaluateOptions = z.strictObject({
  data: option(text(), 'MVTec AD or LOCO AD folder or manifest with test pictures', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'pictures',
  }),
  category: categoryOption,
  subsets: option(
    text().optional(),
    'of MVTec AD: a list of the pictures whose anomaly is logical, one a line',
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
  weights: teacherWeightsOption,
  backend: backendOption,
  config: configOption,
  ...outputOptions('the result as one line of JSON on standard output'),
});

export type EvaluateOptions = z.output<typeof evaluateOptions>;
