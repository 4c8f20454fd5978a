import { z } from 'zod';
import { option, positiveInteger, text } from './option.js';
import {
  backendOption,
  configOption,
  ignoreMaskOption,
  outputOptions,
  teacherWeightsOption,
} from './shared.js';

/** What `dskd predict` can be told. */
export const predictOptions = z.strictObject({
  watch: option(text().optional(), 'go on with every image that comes into this folder, until Ctrl-C', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'incoming',
  }),
  ignoreMask: ignoreMaskOption,
  out: option(text().optional(), 'write a heat map over each image, on the same color scale for all', {
    main: true,
    group: 'Result',
    value: 'dir',
    path: true,
    example: 'heat-maps',
  }),
  threshold: option(z.number().optional(), 'anomalous is a score above it', {
    main: true,
    group: 'Result',
    value: 'score',
    defaultText: "the model's own",
    example: 5,
  }),
  minArea: option(
    positiveInteger().default(1),
    "smallest region reported, in pixels of the network's input",
    {
      group: 'Result',
      value: 'pixels',
    },
  ),
  weights: teacherWeightsOption,
  backend: backendOption,
  config: configOption,
  ...outputOptions('accepted for uniformity: predictions are JSON lines always'),
});

export type PredictOptions = z.output<typeof predictOptions>;
