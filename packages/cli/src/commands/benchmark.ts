import { defineCommand } from '../define-command.js';
import { boolean, option, positiveInteger, text, type OptionValues } from '../options/option.js';
import { backendOption, outputOptions, redisOption, reportOption } from '../options/shared.js';

/** Options that `dskd benchmark` and `dskd reproduce` share. */
export const gridOptions = {
  results: option(text().optional(), 'folder of models and tables; finished trainings in it are reused', {
    main: true,
    group: 'Result',
    value: 'dir',
    defaultText: 'beside the config or the data',
  }),
  report: reportOption,
  processes: option(positiveInteger().optional(), 'trainings at the same time, each in its own process', {
    main: true,
    group: 'Running',
    value: 'n',
    defaultText: "the config's, else one per core",
  }),
  on: redisOption('train on the workers of the queue in this Redis, instead of in processes here'),
  backend: backendOption,
  dryRun: option(
    boolean().default(false),
    'print what would be trained and what it would cost, and train nothing',
    { main: true, flagOnly: true },
  ),
  ...outputOptions('events and results as JSON lines on standard output'),
};

export type GridOptions = OptionValues<typeof gridOptions>;

export const benchmark = defineCommand({
  name: 'benchmark',
  summary: "train and evaluate a grid of students in several processes, and make the paper's tables of it",
  arguments: [['<config>', 'the grid, as YAML or JSON: bench/synthetic-grid.yaml is an example']],
  options: gridOptions,
  run: async (options, [config], signal) =>
    (await import('./benchmark/grid.js')).runBenchmarkFile(config!, options, signal),
});
