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

  test('its commented file sets nothing as it is written', () => {
    expect(parse(commentedConfig(name, schema))).toBeNull();
  });

  test('its commented file holds every option, with its default or an example that is accepted', () => {
    const values = uncommented(commentedConfig(name, schema));
    expect(Object.keys(values)).toEqual(inFile.map(([key]) => key));
    for (const [key, { schema: accepted }] of inFile) {
      if (accepted.default !== undefined) expect(values[key]).toEqual(accepted.default);
    }
    expect(() => resolveOptions(name, schema, { flags: values })).not.toThrow();
  });

  test('the schema for editors, as committed, is made from the same options', async () => {
    const committed = JSON.parse(
      await readFile(new URL(`../../schema/${name}.json`, import.meta.url), 'utf8'),
    ) as { properties: Record<string, unknown> };
    expect(committed).toEqual(editorSchema(name, schema));
    expect(Object.keys(committed.properties)).toEqual(['$schema', ...inFile.map(([key]) => key)]);
  });
});

test('what decides a training is recorded, nothing else', () => {
  const recorded = (schema: OptionSet): string[] =>
    Object.keys(schema).filter((key) => schema[key]!.facts.recorded);
  const paths = Object.keys(CONFIGURABLE.train!).filter((key) => CONFIGURABLE.train![key]!.facts.path);
  expect(recorded(CONFIGURABLE.train!)).toEqual(expect.arrayContaining(['size', 'seed', 'epochs', 'preset']));
  for (const key of paths) expect(recorded(CONFIGURABLE.train!)).not.toContain(key);
});
