import { z } from 'zod';
import { fraction, option, text } from './option.js';
import {
  backendOption,
  categoryOption,
  configOption,
  outputOptions,
  teacherWeightsOption,
} from './shared.js';

/** What `dskd combine` can be told. */
export const combineOptions = z.strictObject({
  out: option(text(), 'where the model goes (.safetensors)', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: 'model.safetensors',
  }),
  data: option(text(), 'the images both were trained on: good ones of them calibrate the two together', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'images',
  }),
  category: categoryOption,
  falseAlarmRate: option(fraction().optional(), 'what the threshold is chosen for', {
    group: 'Calibration',
    value: 'rate',
    defaultText: "the first model's own",
    example: 0.05,
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
});

export type CombineOptions = z.output<typeof combineOptions>;
