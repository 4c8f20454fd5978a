import { existsSync } from 'node:fs';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { defineCommand } from '../define-command.js';
import { boolean, option, text, type OptionSet, type OptionValues } from '../options/option.js';
import { commentedConfig, editorSchema } from '../options/config-template.js';
import { outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';
import { calibrateOptions } from './calibrate.js';
import { combineOptions } from './combine.js';
import { evaluateOptions } from './evaluate.js';
import { liveOptions } from './live.js';
import { predictOptions } from './predict.js';
import { serveOptions } from './serve.js';
import { trainOptions } from './train.js';

/** The options of the commands that take a config file. */
export const CONFIGURABLE: Readonly<Record<string, OptionSet>> = {
  train: trainOptions,
  evaluate: evaluateOptions,
  predict: predictOptions,
  calibrate: calibrateOptions,
  combine: combineOptions,
  serve: serveOptions,
  live: liveOptions,
};

const initOptions = {
  out: option(text().default('dskd.yaml'), 'path of the config file', { main: true, value: 'file' }),
  schema: option(text().optional(), 'also write the JSON Schema of the config file, for editors', {
    main: true,
    value: 'file',
  }),
  force: option(boolean().default(false), 'replace existing files', { main: true, flagOnly: true }),
  ...outputOptions('what was written as one line of JSON'),
};

export const init = defineCommand({
  name: 'init',
  summary: 'write a config file with every option of a command, explained',
  arguments: [
    ['[command]', `the command it is for: ${Object.keys(CONFIGURABLE).join(', ')} (default train)`],
  ],
  options: initOptions,
  run: async (options, [command = 'train']) => runInit(command, options),
});

async function runInit(
  command: string,
  { out, schema: schemaFile, force, json }: OptionValues<typeof initOptions>,
): Promise<void> {
  const schema = CONFIGURABLE[command];
  if (!schema) {
    throw new DskdError(
      'invalid-argument',
      `Got ${command}, wanted one of ${Object.keys(CONFIGURABLE).join(', ')}.`,
      { hint: 'Only these commands take a config file.' },
    );
  }
  const config = commentedConfig(command, schema, schemaFile && relativeTo(out, schemaFile));
  const files = new Map([[out, config]]);
  if (schemaFile !== undefined) {
    files.set(schemaFile, `${JSON.stringify(editorSchema(command, schema), null, 2)}\n`);
  }
  const existing = [...files.keys()].filter((file) => existsSync(file));
  if (existing.length > 0 && !force) {
    throw new DskdError('invalid-argument', `There is a file ${existing.join(' and ')} already.`, {
      hint: 'Name another with --out, or replace it with --force.',
    });
  }
  const { writeFileAtomically } = await import('@dskd/data/node');
  for (const [file, text] of files) await writeFileAtomically(file, text);
  if (json) {
    printJson({ type: 'config-written', command, path: out, schema: schemaFile ?? null });
    return;
  }
  for (const file of files.keys()) printLine(`wrote ${file}`);
  printLine(`dskd ${command} --config ${out} takes its options from there`);
}

/** Path of `to` relative to the folder of `from`, with forward slashes. */
function relativeTo(from: string, to: string): string {
  const relative = path.relative(path.dirname(from), to).split(path.sep).join('/');
  return relative.startsWith('.') || path.isAbsolute(relative) ? relative : `./${relative}`;
}
