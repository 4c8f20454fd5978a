import { existsSync } from 'node:fs';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import { commentedConfig } from '../options/commented-config.js';
import { CONFIGURABLE } from '../options/configurable.js';
import { editorSchema } from '../options/editor-schema.js';
import type { InitOptions } from '../options/plain.js';
import { printJson, printLine } from '../output.js';

export async function init(
  command: string,
  { out, schema: schemaFile, force, json }: InitOptions,
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
  for (const [file, text] of files) await writeFileAtomically(file, text);
  if (json) {
    printJson({ type: 'config-written', command, path: out, schema: schemaFile ?? null });
    return;
  }
  for (const file of files.keys()) printLine(`wrote ${file}`);
  printLine(`dskd ${command} --config ${out} takes its options from there`);
}

/** `to` as the file `from` names it, with forward slashes. */
function relativeTo(from: string, to: string): string {
  const relative = path.relative(path.dirname(from), to).split(path.sep).join('/');
  return relative.startsWith('.') || path.isAbsolute(relative) ? relative : `./${relative}`;
}
