import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import { commentedConfig, editorSchema } from '../options/config-template.js';
import type { OptionSet } from '../options/option.js';
import { resolveOptions } from '../options/resolve.js';
import { CONFIGURABLE } from './init.js';

const commands = Object.entries(CONFIGURABLE);

/** The options of a commented config file with every `#` before a name removed. */
function uncommented(text: string): Record<string, unknown> {
  return parse(text.replace(/^#(?=\w+:)/gm, '')) as Record<string, unknown>;
}

describe.each(commands)('%s', (name, schema) => {
  const inFile = Object.entries(schema).filter(([, { facts }]) => !facts.flagOnly);

  test('every option is described', () => {
    for (const [key, option] of Object.entries(schema))
      expect([key, option.schema.description]).not.toContain(undefined);
  });

  test('the commented file sets no options as it is written', () => {
    expect(parse(commentedConfig(name, schema))).toBeNull();
  });

  test('the commented file contains every option, with its default or a valid example', () => {
    const values = uncommented(commentedConfig(name, schema));
    expect(Object.keys(values)).toEqual(inFile.map(([key]) => key));
    for (const [key, { schema: accepted }] of inFile) {
      if (accepted.default !== undefined) expect(values[key]).toEqual(accepted.default);
    }
    expect(() => resolveOptions(name, schema, { flags: values })).not.toThrow();
  });

  test('the committed JSON Schema is generated from the same options', async () => {
    const committed = JSON.parse(
      await readFile(new URL(`../../schema/${name}.json`, import.meta.url), 'utf8'),
    ) as { properties: Record<string, unknown> };
    expect(committed).toEqual(editorSchema(name, schema));
    expect(Object.keys(committed.properties)).toEqual(['$schema', ...inFile.map(([key]) => key)]);
  });
});

test('records the options that determine a training, and no others', () => {
  const recorded = (schema: OptionSet): string[] =>
    Object.keys(schema).filter((key) => schema[key]!.facts.recorded);
  const paths = Object.keys(CONFIGURABLE.train!).filter((key) => CONFIGURABLE.train![key]!.facts.path);
  expect(recorded(CONFIGURABLE.train!)).toEqual(expect.arrayContaining(['size', 'seed', 'epochs', 'preset']));
  for (const key of paths) expect(recorded(CONFIGURABLE.train!)).not.toContain(key);
});
