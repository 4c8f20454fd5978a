import { z } from 'zod';
import { option, positiveInteger, text } from './option.js';
import { backendOption, outputOptions, reportOption } from './shared.js';

const processes = option(positiveInteger().optional(), 'trainings at a time, each in a process of its own', {
  main: true,
  group: 'Running',
  value: 'n',
  defaultText: "the config's, else one per core",
});

/** Options that `dskd benchmark` and `dskd reproduce` share. */
export const gridOptions = {
  results: option(
    text().optional(),
    'folder of students and tables; what is finished in it is not done again',
    { main: true, group: 'Result', value: 'dir', defaultText: 'beside the config or the data' },
  ),
  report: reportOption,
  processes,
  backend: backendOption,
  dryRun: option(
    z.boolean().default(false),
    'say what is to be done and what it would cost, and train nothing',
    {
      main: true,
      flagOnly: true,
    },
  ),
  ...outputOptions('events and results as JSON lines on standard output'),
};

/** What `dskd benchmark` can be told; the grid itself stands in its config file. */
export const benchmarkOptions = z.strictObject(gridOptions);

export type BenchmarkOptions = z.output<typeof benchmarkOptions>;
