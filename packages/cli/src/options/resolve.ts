import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { ConfigFile } from './config-file.js';
import { acceptedValues } from './help.js';
import { flagOf, type Option, type OptionSet, type OptionValues } from './option.js';

type Values = Readonly<Record<string, unknown>>;

/** Sources of options, in descending priority. The defaults come last. */
export interface OptionLayers {
  readonly flags: Values;
  readonly file?: ConfigFile | undefined;
  /** Options that a preset sets. */
  readonly recipe?: Values | undefined;
}

/** One problem of the options. */
interface OptionProblem {
  readonly option: string;
  /** The flag, or `FILE:LINE:COLUMN`. */
  readonly where: string;
  readonly got: unknown;
  readonly wanted: string;
  readonly message: string;
}

/** The values of a config file, with its paths made relative to the folder of the file. */
function fileValues(file: ConfigFile | undefined, options: OptionSet): Values {
  if (!file) return {};
  const values: Record<string, unknown> = { ...file.values };
  const folder = path.dirname(file.path);
  for (const [key, { schema, facts }] of Object.entries(options)) {
    const value = values[key];
    const resolved = (written: unknown): unknown => {
      if (typeof written !== 'string' || written === '') return written;
      const isKeyword = schema.anyOf?.some((alternative) => alternative.enum?.includes(written));
      return isKeyword ? written : path.resolve(folder, written);
    };
    if (facts.path) values[key] = Array.isArray(value) ? value.map(resolved) : resolved(value);
  }
  return values;
}

/**
 * Resolves the options of a command from all their sources: flag, then config file, then preset, then default.
 * @param command its name, for the hint.
 * @throws {DskdError} `invalid-argument` or, if there is a config file, `invalid-config`, with all problems.
 */
export function resolveOptions<Options extends OptionSet>(
  command: string,
  options: Options,
  { flags, file, recipe }: OptionLayers,
): OptionValues<Options> {
  const given: Record<string, unknown> = { ...recipe, ...fileValues(file, options), ...flags };
  const problems = unknownKeys(file, options);
  const resolved: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) {
    const value = given[key] === undefined ? option.schema.default : given[key];
    if (value === undefined && !option.required) continue;
    const parsed = value === undefined ? undefined : option.parse(value);
    if (parsed === undefined) {
      const inFile = file !== undefined && !(key in flags) && key in file.values;
      problems.push(wrongValue(key, option, value, inFile ? file.placeOf(key, 'value') : flagOf(key)));
    } else resolved[key] = parsed;
  }
  if (problems.length === 0) return resolved as OptionValues<Options>;
  throw new DskdError(
    file ? 'invalid-config' : 'invalid-argument',
    problems.length === 1
      ? problems[0]!.message
      : `${problems.length} options are invalid:${problems.map(({ message }) => `\n  ${message}`).join('')}`,
    { hint: `dskd ${command} --help-all lists every option and its values.`, details: { problems } },
  );
}

function wrongValue(key: string, option: Option, got: unknown, where: string): OptionProblem {
  const { schema, facts } = option;
  const wanted = acceptedValues(option);
  if (got === undefined) {
    const message = `${where} <${facts.value ?? key}> is missing: ${schema.description ?? wanted}.`;
    return { option: key, where, got: null, wanted, message };
  }
  const json = JSON.stringify(got);
  const shown = json.length > 60 ? `${json.slice(0, 57)}...` : json;
  const name = where.startsWith('--') ? where : `${where}: ${key}`;
  return { option: key, where, got, wanted, message: `${name}: got ${shown}, wanted ${wanted}.` };
}

/** Unknown keys of a config file, each with the most similar option. */
function unknownKeys(file: ConfigFile | undefined, options: OptionSet): OptionProblem[] {
  if (!file) return [];
  const known = Object.keys(options).filter((key) => !options[key]!.facts.flagOnly);
  return Object.keys(file.values)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const where = file.placeOf(key, 'key');
      const nearest = nearestName(key, known);
      const [wanted, remedy] =
        key in options
          ? [`${flagOf(key)} on the command line`, `it is for the command line: ${flagOf(key)}`]
          : nearest
            ? [nearest, `did you mean ${nearest}?`]
            : ['an option', 'remove it'];
      const message = `${where}: no option is called ${key}; ${remedy}`;
      return { option: key, where, got: key, wanted, message };
    });
}

/** The options that determine the result, as the artifact records them: no paths, nothing about this machine. */
export function recordedOptions<Options extends OptionSet>(
  options: Options,
  resolved: OptionValues<Options>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([key, { facts }]) => facts.recorded && resolved[key] !== undefined)
      .map(([key]) => [key, resolved[key]]),
  );
}

const normalized = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** Levenshtein distance: the number of letters to add, remove or change. */
function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = previous[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(change, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[to.length]!;
}

/**
 * The known name that was most likely meant by `name`: one with the same letters in another spelling, one that
 * contains the other, or one that differs in a few letters. Undefined if there is none.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = normalized(name);
  const ranked = known
    .map((candidate) => {
      const letters = normalized(candidate);
      const contains = wanted.length > 2 && (letters.includes(wanted) || wanted.includes(letters));
      const rank = distance(wanted, letters);
      return { candidate, rank: contains ? Math.min(1, rank) : rank };
    })
    .sort((a, b) => a.rank - b.rank);
  const best = ranked[0];
  return best && best.rank <= Math.max(1, wanted.length / 3) ? best.candidate : undefined;
}
