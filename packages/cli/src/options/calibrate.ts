import { z } from 'zod';
import { fraction, option, text } from './option.js';
import { backendOption, configOption, outputOptions, teacherWeightsOption } from './shared.js';

/** What `dskd calibrate` can be told. */
export const calibrateOptions = z.strictObject({
  normals: option(
    text(),
    'pictures of good parts the model has not been trained on: a folder or a manifest',
    {
      main: true,
      group: 'Data',
      value: 'dir',
      path: true,
      example: 'good-parts',
    },
  ),
  falseAlarmRate: option(fraction().optional(), 'what the threshold is chosen for', {
    main: true,
    group: 'Calibration',
    value: 'rate',
    defaultText: "the model's own",
    example: 0.05,
  }),
  statistics: option(
    z.boolean().default(false),
    "measure each branch's mean and deviation on these pictures too",
    { main: true, group: 'Calibration' },
  ),
  out: option(text().optional(), 'where the model goes', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    defaultText: 'in place of the one read',
    example: 'calibrated.safetensors',
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
});

export type CalibrateOptions = z.output<typeof calibrateOptions>;
