import { Help, Option as Flag, type Command } from 'commander';
import { flagOf, type Option, type OptionSchema, type OptionSet } from './option.js';

/** Heading of the options that belong to no group. */
const GENERAL = 'Options:';

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: OptionSchema): string {
  const parts: string[] = [];
  if (minimum !== undefined) parts.push(`${minimum} or more`);
  if (exclusiveMinimum !== undefined) parts.push(`above ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(`at most ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(`below ${exclusiveMaximum}`);
  return parts.length === 0 ? '' : `, ${parts.join(' and ')}`;
}

/** The values that an option takes, in words: `a whole number, 1 or more`. */
export function acceptedValues({ schema, facts }: Option): string {
  if (facts.wanted !== undefined) return facts.wanted;
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${bounds(schema)}`;
    case 'number':
      return `a number${bounds(schema)}`;
    default:
      return facts.path ? 'a path' : 'text';
  }
}

/** The default in words, if there is one. */
function defaultOf({ schema, facts }: Option): string | undefined {
  if (facts.defaultText !== undefined) return facts.defaultText;
  if (schema.default === undefined || schema.type === 'boolean') return undefined;
  return typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
}

/** The description with choices and default: one entry of the help. */
function describeOption(option: Option): string {
  const fallback = defaultOf(option);
  const remarks = [
    option.schema.enum?.join(', '),
    fallback === undefined ? undefined : `default ${fallback}`,
  ].filter((remark) => remark !== undefined);
  const description = option.schema.description ?? '';
  return remarks.length === 0 ? description : `${description} (${remarks.join('; ')})`;
}

/** A number where the text is one. Other text stays, so that the error can quote it. */
function numberOrText(given: string): number | string {
  const value = Number(given);
  return given.trim() === '' || !Number.isFinite(value) ? given : value;
}

/**
 * The flags of one option. A switch has two, `--name` and `--no-name`, so that either can overrule a config
 * file. The help shows the one that changes the default.
 */
function flagsOf(key: string, option: Option): Flag[] {
  const { schema, facts } = option;
  const flag = flagOf(key);
  const group = facts.group === undefined ? GENERAL : `${facts.group}:`;
  if (schema.type === 'boolean') {
    const on = new Flag(flag, describeOption(option)).helpGroup(group);
    if (facts.flagOnly) return [on];
    const off = new Flag(flag.replace('--', '--no-'), facts.negative ?? '').helpGroup(group);
    (schema.default === true ? on : off).hideHelp();
    return [on, off];
  }
  const value = `<${facts.value ?? key}${schema.type === 'array' ? '...' : ''}>`;
  const made = new Flag(`${flag} ${value}`, describeOption(option)).helpGroup(group);
  if (facts.repeatable) made.argParser((text, before?: readonly string[]) => [...(before ?? []), text]);
  const isNumber = schema.type === 'number' || schema.type === 'integer';
  return [isNumber ? made.argParser(numberOrText) : made];
}

/** Gives a command its flags, a short `--help` with the main ones and `--help-all` with every one in its group. */
export function addFlags(command: Command, options: OptionSet): void {
  for (const [key, option] of Object.entries(options)) {
    for (const flag of flagsOf(key, option)) command.addOption(flag);
  }
  const main = Object.keys(options).filter((key) => options[key]!.facts.main);
  if (main.length < Object.keys(options).length) shortenHelp(command, main.map(flagOf));
}

/** The main options in one list or, after `--help-all`, every option in its group. */
class ShortHelp extends Help {
  readonly #main: ReadonlySet<string>;
  readonly #showsAll: () => boolean;
  #writing = false;

  constructor(main: ReadonlySet<string>, showsAll: () => boolean) {
    super();
    this.#main = main;
    this.#showsAll = showsAll;
  }

  /** All options unless the help is being written: commander searches these for what a mistyped option meant. */
  override visibleOptions(command: Command): Flag[] {
    const options = super.visibleOptions(command);
    if (!this.#writing || this.#showsAll()) return options;
    return options
      .filter(({ long }) => this.#main.has(long ?? ''))
      .map(({ flags, description }) => new Flag(flags, description).helpGroup(GENERAL));
  }

  override formatHelp(command: Command, helper: Help): string {
    this.#writing = true;
    return super.formatHelp(command, helper);
  }
}

function shortenHelp(command: Command, main: readonly string[]): void {
  const shown = new Set([...main, '--help', '--help-all']);
  let all = false;
  command.createHelp = () => Object.assign(new ShortHelp(shown, () => all), command.configureHelp());
  command
    .addOption(new Flag('--help-all', 'show every option').helpGroup(GENERAL))
    .on('option:help-all', () => {
      all = true;
      command.help();
    });
}
