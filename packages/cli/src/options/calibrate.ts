import { z } from 'zod';
import { fraction, option, positiveNumber, text } from './option.js';
import { backendOption, configOption, outputOptions, teacherWeightsOption } from './shared.js';

/** What `dskd calibrate` can be told. */
export const calibrateOptions = z.strictObject({
  normals: option(text(), 'images of good parts the model has not been trained on: a folder or a manifest', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'good-parts',
  }),
  anomalies: option(text().optional(), 'images of bad parts, for --threshold-from f1-max or cost', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'bad-parts',
  }),
  thresholdFrom: option(
    z.enum(['normals', 'f1-max', 'cost']).default('normals'),
    'what chooses the threshold: a rate of false alarms, the highest F1, the lowest cost of errors',
    { main: true, group: 'Calibration', value: 'rule' },
  ),
  falseAlarmRate: option(fraction().optional(), 'what normals choose the threshold for', {
    main: true,
    group: 'Calibration',
    value: 'rate',
    defaultText: "the model's own",
    example: 0.05,
  }),
  confidence: option(fraction().optional(), 'how sure the rate is to be kept; takes more images', {
    group: 'Calibration',
    value: 'share',
    defaultText: 'kept on average',
    example: 0.95,
  }),
  costOfAMiss: option(positiveNumber().optional(), 'in the unit of the other cost', {
    group: 'Calibration',
    value: 'cost',
    defaultText: '1',
    example: 10,
  }),
  costOfAFalseAlarm: option(positiveNumber().optional(), 'in the unit of the other cost', {
    group: 'Calibration',
    value: 'cost',
    defaultText: '1',
    example: 1,
  }),
  prevalence: option(fraction().optional(), 'share of bad parts where the model will work, for cost', {
    group: 'Calibration',
    value: 'share',
    defaultText: 'their share among the images given',
    example: 0.01,
  }),
  statistics: option(
    z.boolean().default(false),
    "measure each branch's mean and deviation on these images too",
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
