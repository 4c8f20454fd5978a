import { defineCommand } from '../define-command.js';
import { boolean, option, text, type OptionValues } from '../options/option.js';
import { categoryOption, outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

const checkOptions = {
  category: categoryOption,
  thorough: option(boolean().default(true), 'decode every image completely, as a training does', {
    main: true,
    negative: 'read only the header and the end of each image: faster, and finds less',
  }),
  manifest: option(text().optional(), 'write the list of images as a manifest (.csv or .jsonl)', {
    main: true,
    value: 'file',
    path: true,
    example: 'images.csv',
  }),
  ...outputOptions('the counts and the fingerprint as one line of JSON'),
};

export const check = defineCommand({
  name: 'check',
  summary: 'read a dataset and print what it contains and all problems found',
  arguments: [['<data>', 'a folder of images, a dataset, or a manifest']],
  options: checkOptions,
  run: async (options, [data], signal) => runCheck(data!, options, signal),
});

/** Prints what a dataset contains. Opening it reports every problem in one error. */
async function runCheck(
  data: string,
  { category, thorough, manifest, json }: OptionValues<typeof checkOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { summarize } = await import('@dskd/data');
  const { openSource, writeManifest } = await import('@dskd/data/node');
  const source = await openSource({
    root: data,
    thorough,
    signal,
    ...(category !== undefined && { category }),
  });
  const { warnings = [] } = source;
  const { rows, table } = summarize(source);
  const fingerprint = await source.fingerprint({ signal });
  if (manifest !== undefined) await writeManifest(source, manifest);
  if (json) {
    printJson({
      type: 'dataset-checked',
      name: source.name,
      rows,
      fingerprint,
      ...(warnings.length > 0 && { warnings }),
      ...(manifest !== undefined && { manifest }),
    });
    return;
  }
  printLine(table);
  printLine(`fingerprint ${fingerprint}`);
  for (const warning of warnings) printLine(`warning: ${warning}`);
  if (manifest !== undefined) printLine(`wrote ${manifest}`);
}
