import { defineCommand } from '../define-command.js';
import { option, text, type OptionValues } from '../options/option.js';
import { outputOptions } from '../options/shared.js';

const compareOptions = {
  report: option(text().optional(), 'write a report: one HTML file with the tables', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: 'comparison.html',
  }),
  ...outputOptions('the comparison as one line of JSON on standard output'),
};

export type CompareOptions = OptionValues<typeof compareOptions>;

export const compare = defineCommand({
  name: 'compare',
  summary: 'compare evaluations of the same test images: differences, and which images changed sides',
  arguments: [
    ['<first>', 'a file of dskd evaluate --out; the others are compared with it'],
    ['<others...>', 'one or more further files of dskd evaluate --out'],
  ],
  options: compareOptions,
  run: async (options, paths) => (await import('./compare/run.js')).runComparison(paths, options),
});
