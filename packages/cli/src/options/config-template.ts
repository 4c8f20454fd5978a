import { acceptedValues } from './help.js';
import type { Option, OptionSchema, OptionSet } from './option.js';

/** A value as YAML: plain if it cannot be read as anything else, quoted otherwise. */
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

function linesOf(key: string, option: Option): string[] {
  const { schema, facts, required } = option;
  const fallback =
    facts.defaultText ?? (schema.default === undefined ? undefined : yamlValue(schema.default));
  const remarks = [
    schema.enum?.join(', ') ?? acceptedValues(option),
    required ? 'required' : fallback === undefined ? undefined : `default ${fallback}`,
  ].filter((remark) => remark !== undefined);
  return [
    `# ${schema.description ?? key} (${remarks.join('; ')})`,
    `#${key}: ${yamlValue(schema.default ?? facts.example ?? key)}`,
    '',
  ];
}

/**
 * A config file of `command` with every option, explained and commented out. Removing the `#` before a name sets it.
 * @param schemaPath where editors find the JSON Schema of the file, relative to the file
 */
export function commentedConfig(command: string, options: OptionSet, schemaPath?: string): string {
  const lines = [
    ...(schemaPath === undefined ? [] : [`# yaml-language-server: $schema=${schemaPath}`]),
    `# Options of dskd ${command}. Remove the # before a name to set it. Paths are relative to this file.`,
    '# A flag on the command line wins over this file, this file over a preset, a preset over a default.',
    `#   dskd ${command} --config THIS_FILE`,
    '',
  ];
  let group: string | undefined;
  for (const [key, option] of Object.entries(options)) {
    const { facts } = option;
    if (facts.flagOnly) continue;
    if (facts.group !== group) {
      group = facts.group;
      if (group !== undefined) lines.push(`# ---- ${group} ----`, '');
    }
    lines.push(...linesOf(key, option));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The JSON Schema of a command's config file, for completion and checks in an editor. */
export interface EditorSchema extends OptionSchema {
  readonly $schema: string;
  readonly title: string;
  readonly properties: Readonly<Record<string, OptionSchema>>;
  readonly additionalProperties: false;
}

export function editorSchema(command: string, options: OptionSet): EditorSchema {
  const inFile = Object.entries(options).filter(([, { facts }]) => !facts.flagOnly);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Options of dskd ${command}`,
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...Object.fromEntries(inFile.map(([key, { schema }]) => [key, schema])),
    },
    additionalProperties: false,
  };
}
