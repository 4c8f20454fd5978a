import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { z } from 'zod';
import type { ConfigFile } from './config-file.js';
import { nearestName } from './nearest-name.js';
import { propertiesOf, type OptionProperty } from './properties.js';
import { wantedBy } from './wanted.js';

type Values = Readonly<Record<string, unknown>>;

/** Where options come from, strongest first; the schema's defaults are the last. */
export interface OptionLayers {
  readonly flags: Values;
  readonly file?: ConfigFile | undefined;
  /** What a preset sets. */
  readonly recipe?: Values | undefined;
}

/** One thing wrong with the options. */
interface OptionProblem {
  readonly option: string;
  /** The flag, or `FILE:LINE:COLUMN`. */
  readonly where: string;
  readonly got: unknown;
  readonly wanted: string;
  readonly message: string;
}

/** The values of a config file, its paths relative to where it lies. */
export function fileValues(file: ConfigFile | undefined, properties: readonly OptionProperty[]): Values {
  if (!file) return {};
  const values: Record<string, unknown> = { ...file.values };
  const folder = path.dirname(file.path);
  for (const { key, json, facts } of properties) {
    const value = values[key];
    const isKeyword = json.anyOf?.some((choice) => (choice as { enum?: unknown[] }).enum?.includes(value));
    if (facts.path && typeof value === 'string' && value !== '' && !isKeyword) {
      values[key] = path.resolve(folder, value);
    }
  }
  return values;
}

/**
 * The options of a command from all their sources: flag, then config file, then preset, then default.
 * @throws {DskdError} `invalid-argument` or, where a config file is at fault, `invalid-config`: everything that is wrong.
 */
export function resolveOptions<Schema extends z.ZodObject>(
  command: string,
  schema: Schema,
  { flags, file, recipe }: OptionLayers,
): z.output<Schema> {
  const properties = propertiesOf(schema);
  const given: Record<string, unknown> = { ...recipe, ...fileValues(file, properties), ...flags };
  const parsed = schema.safeParse(given);
  const problems = unknownKeys(file, properties);
  if (parsed.success && problems.length === 0) return parsed.data;

  const wrong = new Set(parsed.error?.issues.map(({ path: [key] }) => key));
  for (const property of properties.filter(({ key }) => wrong.has(key))) {
    const inFile = file !== undefined && !(property.key in flags) && property.key in file.values;
    const where = inFile ? file.placeOf(property.key, 'value') : property.flag;
    problems.push(wrongValue(property, given[property.key], where));
  }
  throw new DskdError(
    file ? 'invalid-config' : 'invalid-argument',
    problems.length === 1
      ? problems[0]!.message
      : `${problems.length} options are not right:${problems.map(({ message }) => `\n  ${message}`).join('')}`,
    { hint: `dskd ${command} --help-all lists every option and what it takes.`, details: { problems } },
  );
}

function wrongValue(property: OptionProperty, got: unknown, where: string): OptionProblem {
  const { key, json, facts } = property;
  const wanted = wantedBy(property);
  if (got === undefined) {
    const message = `${where} <${facts.value ?? key}> is missing: ${json.description ?? wanted}.`;
    return { option: key, where, got: null, wanted, message };
  }
  const text = JSON.stringify(got);
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  const name = where.startsWith('--') ? where : `${where}: ${key}`;
  return { option: key, where, got, wanted, message: `${name}: got ${shown}, wanted ${wanted}.` };
}

/** What stands in a config file and is no option there, with the option that was meant. */
function unknownKeys(file: ConfigFile | undefined, properties: readonly OptionProperty[]): OptionProblem[] {
  if (!file) return [];
  const known = properties.filter(({ facts }) => !facts.flagOnly).map(({ key }) => key);
  return Object.keys(file.values)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const where = file.placeOf(key, 'key');
      const flag = properties.find((property) => property.key === key)?.flag;
      const nearest = nearestName(key, known);
      const [wanted, remedy] = flag
        ? [`${flag} on the command line`, `it is for the command line: ${flag}`]
        : nearest
          ? [nearest, `did you mean ${nearest}?`]
          : ['an option', 'remove it'];
      return {
        option: key,
        where,
        got: key,
        wanted,
        message: `${where}: no option is called ${key}; ${remedy}`,
      };
    });
}

/** The options that decide the result, as the artifact keeps them: no paths, nothing about this machine. */
export function recordedOptions<Schema extends z.ZodObject>(
  schema: Schema,
  resolved: z.output<Schema>,
): Record<string, unknown> {
  return Object.fromEntries(
    propertiesOf(schema)
      .filter(({ key, facts }) => facts.recorded && resolved[key] !== undefined)
      .map(({ key }) => [key, resolved[key]]),
  );
}
