import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { commentedConfig } from './commented-config.js';
import { CONFIGURABLE } from './configurable.js';
import { editorSchema } from './editor-schema.js';
import { propertiesOf } from './properties.js';
import { resolveOptions } from './resolve-options.js';

const commands = Object.entries(CONFIGURABLE);

/** The options of a commented config file with every `#` before a name removed. */
function uncommented(text: string): Record<string, unknown> {
  return parse(text.replace(/^#(?=\w+:)/gm, '')) as Record<string, unknown>;
}

describe.each(commands)('%s', (name, schema) => {
  const inFile = propertiesOf(schema).filter(({ facts }) => !facts.flagOnly);

  test('every option is described', () => {
    for (const { key, json } of propertiesOf(schema))
      expect([key, json.description]).not.toContain(undefined);
  });

  test('its commented file sets nothing as it is written', () => {
    expect(parse(commentedConfig(name, schema))).toBeNull();
  });

  test('its commented file holds every option, with its default or an example that is accepted', () => {
    const values = uncommented(commentedConfig(name, schema));
    expect(Object.keys(values)).toEqual(inFile.map(({ key }) => key));
    for (const { key, json } of inFile) {
      if (json.default !== undefined) expect(values[key]).toEqual(json.default);
    }
    expect(() => resolveOptions(name, schema, { flags: values })).not.toThrow();
  });

  test('the schema for editors, as committed, is made from the same options', async () => {
    const committed = JSON.parse(
      await readFile(new URL(`../../schema/${name}.json`, import.meta.url), 'utf8'),
    ) as { properties: Record<string, unknown> };
    expect(committed).toEqual(editorSchema(name, schema));
    expect(Object.keys(committed.properties)).toEqual(['$schema', ...inFile.map(({ key }) => key)]);
  });
});

test('what decides a training is recorded, nothing else', () => {
  const recorded = (schema: z.ZodObject): string[] =>
    propertiesOf(schema)
      .filter(({ facts }) => facts.recorded)
      .map(({ key }) => key);
  const paths = propertiesOf(CONFIGURABLE.train!).filter(({ facts }) => facts.path);
  expect(recorded(CONFIGURABLE.train!)).toEqual(expect.arrayContaining(['size', 'seed', 'epochs', 'preset']));
  for (const { key } of paths) expect(recorded(CONFIGURABLE.train!)).not.toContain(key);
});
