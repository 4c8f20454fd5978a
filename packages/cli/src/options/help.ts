import { Help, Option as Flag, type Command } from 'commander';
import { flagOf, type Option, type OptionFacts, type OptionSchema, type OptionSet } from './option.js';

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

function headingOf({ group }: OptionFacts): string {
  return group === undefined ? GENERAL : `${group}:`;
}

/** Describes the values that an option accepts: `a whole number, 1 or more`. */
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

/** Describes the default, if there is one. */
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

/** Converts text to a number if it is one. Other text is returned unchanged, so that the error can quote it. */
function numberOrText(given: string): number | string {
  const value = Number(given);
  return given.trim() === '' || !Number.isFinite(value) ? given : value;
}

/**
 * The flags of one option. A switch has two, `--name` and `--no-name`, so that either can override a config file. The
 * help shows the one that changes the default.
 */
function flagsOf(key: string, option: Option): Flag[] {
  const { schema, facts } = option;
  const flag = flagOf(key);
  const group = headingOf(facts);
  if (schema.type === 'boolean') {
    const on = new Flag(flag, describeOption(option)).helpGroup(group);
    if (facts.flagOnly) return [on];
    const off = new Flag(flag.replace('--', '--no-'), facts.negative ?? '').helpGroup(group);
    (schema.default === true ? on : off).hideHelp();
    return [on, off];
  }
  const isList = schema.type === 'array' || facts.several;
  const value = `<${facts.value ?? key}${isList ? '...' : ''}>`;
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
  const main = Object.entries(options).filter(([, { facts }]) => facts.main);
  if (main.length === Object.keys(options).length) return;
  shortenHelp(
    command,
    new Map(main.map(([key, { facts }]) => [flagOf(key), facts.methods ? headingOf(facts) : GENERAL])),
  );
}

/**
 * Formats the main options in one list, with those that only some methods have below it; with `--help-all`, every
 * option in its group.
 */
class ShortHelp extends Help {
  /** Heading by flag. */
  readonly #main: ReadonlyMap<string, string>;
  readonly #showsAll: () => boolean;
  #writing = false;

  constructor(main: ReadonlyMap<string, string>, showsAll: () => boolean) {
    super();
    this.#main = main;
    this.#showsAll = showsAll;
  }

  /** All options unless the help is being written: commander searches them for suggestions for mistyped options. */
  override visibleOptions(command: Command): Flag[] {
    const options = super.visibleOptions(command);
    if (!this.#writing || this.#showsAll()) return options;
    return options
      .filter(({ long }) => this.#main.has(long ?? ''))
      .map((option) => new Flag(option.flags, option.description).helpGroup(this.#main.get(option.long!)!));
  }

  /** Groups in the order of the visible options; commander uses the order of all options with their own groups. */
  override groupItems<Item extends Command | Flag>(
    all: Item[],
    visible: Item[],
    groupOf: (item: Item) => string,
  ): Map<string, Item[]> {
    return super.groupItems(this.#showsAll() ? all : visible, visible, groupOf);
  }

  override formatHelp(command: Command, helper: Help): string {
    this.#writing = true;
    return super.formatHelp(command, helper);
  }
}

function shortenHelp(command: Command, main: ReadonlyMap<string, string>): void {
  const shown = new Map([...main, ['--help', GENERAL], ['--help-all', GENERAL]]);
  let all = false;
  command.createHelp = () => Object.assign(new ShortHelp(shown, () => all), command.configureHelp());
  command
    .addOption(new Flag('--help-all', 'show every option').helpGroup(GENERAL))
    .on('option:help-all', () => {
      all = true;
      command.help();
    });
}
