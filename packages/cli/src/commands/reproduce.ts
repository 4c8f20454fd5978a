import { defineCommand } from '../define-command.js';
import {
  choice,
  commaSeparated,
  inputSize,
  option,
  positiveInteger,
  text,
  texts,
  type OptionValues,
} from '../options/option.js';
import { gridOptions } from './benchmark.js';

const SETTINGS = 'Instead of the settings of the profile';

export const reproduceOptions = {
  data: option(
    text(),
    'folder of the categories of MVTec LOCO AD (of MVTec AD for table3 and fig5), as unpacked',
    { main: true, group: 'Data', value: 'dir' },
  ),
  categories: option(texts({ minItems: 1 }).optional(), 'folders in it', {
    main: true,
    group: 'Data',
    value: 'name',
    wanted: 'names of folders',
    defaultText: 'all',
  }),
  subsets: option(
    text().optional(),
    'for MVTec AD: a list of the images whose anomaly is logical, one per line',
    { main: true, group: 'Data', value: 'file', defaultText: "the paper's 37" },
  ),
  seeds: option(commaSeparated().default(['1']), 'seeds of all random numbers; results are means over them', {
    main: true,
    group: SETTINGS,
    value: 'n',
    several: true,
    wanted: 'whole numbers',
    defaultText: '1',
  }),
  methods: option(
    commaSeparated().optional(),
    'methods that get rows beside the students in table1, table2 and table3: names, or all',
    {
      main: true,
      group: 'Data',
      value: 'name',
      several: true,
      wanted: 'names of methods, or all',
      defaultText: 'none',
    },
  ),
  profile: option(
    choice('paper', 'lite').default('paper'),
    'paper: as published; lite: for a CPU, with the embedded teacher, 128 px and small students',
    { main: true, group: 'Data', value: 'name' },
  ),
  preset: option(choice('nano', 'lite', 'paper').optional(), 'size of the students', {
    main: true,
    group: SETTINGS,
    value: 'name',
    defaultText: 'paper; of the profile lite: nano',
  }),
  size: option(inputSize().optional(), 'input size, e.g. 128', {
    main: true,
    group: SETTINGS,
    value: 'pixels',
    wanted: 'pixels such as 256, or height x width such as 320x192, at least 32',
    defaultText: '256; lite: 128',
  }),
  epochs: option(positiveInteger().optional(), 'number of epochs', {
    main: true,
    group: SETTINGS,
    value: 'n',
    defaultText: '200; lite: 30',
  }),
  batchSize: option(positiveInteger().optional(), 'images per step', {
    group: SETTINGS,
    value: 'n',
    defaultText: '16; lite: 8',
  }),
  augment: option(choice('none', 'gcad').optional(), 'augmentation of the training images', {
    group: SETTINGS,
    value: 'what',
    defaultText: 'gcad; lite: none',
  }),
  learningRate: option(
    choice('paper', 'dskd').optional(),
    'paper: 0.005 for every student; dskd: 0.001 for those with a contextual-affinity loss',
    { group: SETTINGS, value: 'whose', defaultText: 'paper; lite: dskd' },
  ),
  teacher: option(text().optional(), 'backbone; teacher-tiny needs no file', {
    main: true,
    group: SETTINGS,
    value: 'name',
    defaultText: 'wide_resnet50_2; lite: teacher-tiny',
  }),
  weights: option(text().optional(), 'weight file of the teacher', {
    main: true,
    group: SETTINGS,
    value: 'file',
  }),
  ...gridOptions,
};

export type ReproduceOptions = OptionValues<typeof reproduceOptions>;

export const reproduce = defineCommand({
  name: 'reproduce',
  summary: "make one of the paper's tables or figures again, with its settings or smaller ones",
  arguments: [['<table>', 'table1 to table6, fig4, fig5 or fig6']],
  options: reproduceOptions,
  run: async (options, [table], signal) =>
    (await import('./benchmark/reproduction.js')).runReproduction(table!, options, signal),
});
