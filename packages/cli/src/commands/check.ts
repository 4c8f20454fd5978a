import { defineCommand } from '../define-command.js';
import { boolean, option, text, type OptionValues } from '../options/option.js';
import { categoryOption, folderOptions, outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

const checkOptions = {
  category: categoryOption,
  ...folderOptions,
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
  arguments: [['[data]', 'a folder of images, a dataset, or a manifest']],
  options: checkOptions,
  run: async (options, [data], signal) => runCheck(data, options, signal),
});

/** Prints what a dataset contains. Opening it reports every problem in one error. */
async function runCheck(
  data: string | undefined,
  options: OptionValues<typeof checkOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { thorough, manifest, json } = options;
  const { summarize } = await import('@dskd/data');
  const { writeManifest } = await import('@dskd/data/node');
  const { openData } = await import('../open-data.js');
  const source = await openData({ ...options, data }, { thorough, signal });
  const { rows, table } = summarize(source);
  const fingerprint = await source.fingerprint({ signal });
  if (manifest !== undefined) await writeManifest(source, manifest);
  if (json) {
    printJson({
      type: 'dataset-checked',
      name: source.name,
      rows,
      fingerprint,
      warnings: source.warnings,
      ...(manifest !== undefined && { manifest }),
    });
    return;
  }
  printLine(table);
  const anomalous = rows.filter(({ label }) => label === 'anomalous');
  if (anomalous.length > 0 && anomalous.every(({ masks }) => masks === 0)) {
    printLine('no masks: dskd evaluate measures images, but not where in them the defects are');
  }
  printLine(`fingerprint ${fingerprint}`);
  if (manifest !== undefined) printLine(`wrote ${manifest}`);
}
