import { z } from 'zod';
import { gridOptions } from './benchmark.js';
import { inputSize, option, positiveInteger, text, wholeNumber } from './option.js';

const SETTINGS = "Instead of the paper's settings";

/** What `dskd reproduce` can be told. */
export const reproduceOptions = z.strictObject({
  data: option(
    text(),
    'folder of the categories, as MVTec LOCO AD (or for table3, fig5 MVTec AD) is unpacked',
    {
      main: true,
      group: 'Data',
      value: 'dir',
    },
  ),
  categories: option(z.array(text()).min(1).optional(), 'folders in it', {
    main: true,
    group: 'Data',
    value: 'name',
    wanted: 'names of folders',
    defaultText: 'all',
  }),
  subsets: option(
    text().optional(),
    'of MVTec AD: a list of the images whose anomaly is logical, one a line',
    {
      main: true,
      group: 'Data',
      value: 'file',
    },
  ),
  seeds: option(z.array(text()).min(1).default(['1']), 'roots of all randomness: means are over them', {
    main: true,
    group: SETTINGS,
    value: 'n',
    wanted: 'whole numbers',
    defaultText: '1',
  }),
  preset: option(z.enum(['nano', 'lite', 'paper']).default('paper'), 'size of the students', {
    main: true,
    group: SETTINGS,
    value: 'name',
  }),
  size: option(inputSize.optional(), 'input size, e.g. 128', {
    main: true,
    group: SETTINGS,
    value: 'pixels',
    wanted: 'pixels such as 256, or height x width such as 320x192, at least 32',
    defaultText: '256',
  }),
  epochs: option(positiveInteger().optional(), 'passes over the images', {
    main: true,
    group: SETTINGS,
    value: 'n',
    defaultText: '200',
  }),
  batchSize: option(positiveInteger().optional(), 'images per step', {
    group: SETTINGS,
    value: 'n',
    defaultText: '16',
  }),
  augment: option(z.enum(['none', 'gcad']).default('gcad'), 'how training images are varied', {
    group: SETTINGS,
    value: 'what',
  }),
  learningRate: option(
    z.enum(['paper', 'dskd']).default('paper'),
    'paper: 0.005 for every student; dskd: 0.001 for those that learn by the contextual affinity',
    { group: SETTINGS, value: 'whose' },
  ),
  teacher: option(text().default('wide_resnet50_2'), 'backbone; teacher-tiny needs no file', {
    main: true,
    group: SETTINGS,
    value: 'name',
  }),
  weights: option(text().optional(), "the teacher's weights", { main: true, group: SETTINGS, value: 'file' }),
  ...gridOptions,
});

export type ReproduceOptions = z.output<typeof reproduceOptions>;

/** Seeds as numbers. */
export const seedsSchema = z.array(wholeNumber());
