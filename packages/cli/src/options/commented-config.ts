import type { z } from 'zod';
import { choicesOf, wantedBy } from './wanted.js';
import { propertiesOf, type OptionProperty } from './properties.js';

/** A value as YAML: plain where that is unmistakable, quoted otherwise. */
function yamlValue(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[A-Za-z][\w./ -]*$/.test(value) &&
    !/^(true|false|null|yes|no|on|off)$/i.test(value)
  ) {
    return value;
  }
  return JSON.stringify(value);
}

function linesOf(property: OptionProperty): string[] {
  const { key, json, facts, required } = property;
  const fallback = facts.defaultText ?? (json.default === undefined ? undefined : yamlValue(json.default));
  const remarks = [
    choicesOf(property) === undefined ? wantedBy(property) : choicesOf(property)!.join(', '),
    required ? 'required' : fallback === undefined ? undefined : `default ${fallback}`,
  ].filter((remark) => remark !== undefined);
  return [
    `# ${json.description ?? key} (${remarks.join('; ')})`,
    `#${key}: ${yamlValue(json.default ?? facts.example ?? key)}`,
    '',
  ];
}

/**
 * A config file of `command` in which every option stands, explained and commented out: `#` before a name is
 * all there is to remove.
 * @param schemaPath where editors find the JSON Schema of the file, relative to the file
 */
export function commentedConfig(command: string, schema: z.ZodObject, schemaPath?: string): string {
  const lines = [
    ...(schemaPath === undefined ? [] : [`# yaml-language-server: $schema=${schemaPath}`]),
    `# Options of dskd ${command}. Remove the # before a name to set it. Paths are relative to this file.`,
    '# A flag on the command line wins over this file, this file over a preset, a preset over a default.',
    `#   dskd ${command} --config THIS_FILE`,
    '',
  ];
  let group: string | undefined;
  for (const property of propertiesOf(schema)) {
    const { facts } = property;
    if (facts.flagOnly) continue;
    if (facts.group !== group) {
      group = facts.group;
      if (group !== undefined) lines.push(`# ---- ${group} ----`, '');
    }
    lines.push(...linesOf(property));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
