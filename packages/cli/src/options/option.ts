/**
 * The options of a command are described once, as data. The flags, both helps, the config file, its JSON Schema and
 * the checks are derived from this description. This module loads no library, so that `--help` is fast.
 */

/** JSON Schema (draft 7) of the values that an option accepts, limited to the keywords that options use. */
export interface OptionSchema {
  readonly type?: 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly OptionSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: OptionSchema | readonly OptionSchema[];
  readonly additionalItems?: boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Properties of an option besides its type, description and default. */
export interface OptionFacts {
  /** Shown by the short help. */
  readonly main?: boolean;
  /** Name of its value in the help: `--out <file>`. */
  readonly value?: string;
  /** Heading in the long help and in a config file. */
  readonly group?: string;
  /** Description of the accepted values, if the type is not sufficient. */
  readonly wanted?: string;
  /** Description of the default, if it is not a constant. */
  readonly defaultText?: string;
  /** Value to show in a config file, if there is no default. */
  readonly example?: string | number;
  /** The value is a file or folder. In a config file it is relative to that file. */
  readonly path?: boolean;
  /** Names of the methods that have this option; for other methods it is refused, and not recorded. Default: all. */
  readonly methods?: readonly string[] | { readonly allBut: readonly string[] };
  /** The option determines the result, so the artifact records it. */
  readonly recorded?: boolean;
  /** Description of `--no-NAME`, if an option is on by default. */
  readonly negative?: string;
  /** The flag takes several values: `--good a b`. */
  readonly several?: boolean;
  /** The flag may be given several times. The values make a list. */
  readonly repeatable?: boolean;
  /** Accepted on the command line only, not in a config file. */
  readonly flagOnly?: boolean;
}

/**
 * The type of an option: which values are accepted, and how they are converted.
 * @typeParam Given what a user may write, as far as TypeScript can express it.
 * @typeParam Value what the command receives.
 */
export class OptionType<Given, Value = Given> {
  constructor(
    readonly schema: OptionSchema,
    /** Converts an accepted value; undefined refuses it. */
    readonly convert: (given: Given) => Value | undefined = (given) => given as unknown as Value,
    readonly required = true,
  ) {}

  optional(): OptionType<Given, Value | undefined> {
    return new OptionType<Given, Value | undefined>(this.schema, this.convert, false);
  }

  default(value: Given): OptionType<Given, Value> {
    return new OptionType({ ...this.schema, default: value }, this.convert, false);
  }
}

/** One option of a command. */
export interface Option<Value = unknown> {
  readonly schema: OptionSchema;
  readonly facts: OptionFacts;
  readonly required: boolean;
  /**
   * @param given a value from the command line, a config file, a preset or the default.
   * @returns the value for the command; undefined if `given` is not accepted.
   */
  parse(given: unknown): Value | undefined;
}

/** The options of a command by their names in a config file: `learningRate`. */
export type OptionSet = Readonly<Record<string, Option>>;

/** The values that a command with these options receives. */
export type OptionValues<Options extends OptionSet> = {
  readonly [Key in keyof Options]: Options[Key] extends Option<infer Value> ? Value : never;
};

/** Describes one option of a command. */
export function option<Given, Value>(
  { schema, convert, required }: OptionType<Given, Value>,
  description: string,
  facts: OptionFacts = {},
): Option<Value> {
  return {
    schema: { ...schema, description },
    facts,
    required,
    parse: (given) => (accepts(schema, given) ? convert(given as Given) : undefined),
  };
}

/** Whether a value is valid against a schema. */
function accepts(schema: OptionSchema, value: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some((choice) => accepts(choice, value));
  switch (schema.type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value) && isWithin(schema, value as number);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) && isWithin(schema, value);
    case 'string':
      return typeof value === 'string' && isText(schema, value);
    case 'array':
      return Array.isArray(value) && areItems(schema, value);
    default:
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

function isWithin(schema: OptionSchema, value: number): boolean {
  const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
  const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  if (multipleOf !== undefined && value % multipleOf !== 0) return false;
  return value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
}

function isText({ enum: choices, minLength = 0, pattern }: OptionSchema, value: string): boolean {
  if (choices && !choices.includes(value)) return false;
  return value.length >= minLength && (pattern === undefined || new RegExp(pattern).test(value));
}

function areItems({ items, minItems = 0, maxItems = Infinity }: OptionSchema, values: unknown[]): boolean {
  if (values.length < minItems || values.length > maxItems) return false;
  return values.every((value, index) => {
    const schema = Array.isArray(items) ? (items as readonly OptionSchema[])[index] : items;
    return schema === undefined || accepts(schema as OptionSchema, value);
  });
}

/** The name of an option on the command line: `--learning-rate` for `learningRate`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/** The types of options. */
export const boolean = (): OptionType<boolean> => new OptionType({ type: 'boolean' });
export const text = (): OptionType<string> => new OptionType({ type: 'string', minLength: 1 });
export const number = (bounds: OptionSchema = {}): OptionType<number> =>
  new OptionType({ type: 'number', ...bounds });
export const integer = (bounds: OptionSchema): OptionType<number> =>
  new OptionType({ type: 'integer', ...bounds });
export const positiveInteger = (): OptionType<number> => integer({ minimum: 1 });
export const wholeNumber = (): OptionType<number> => integer({ minimum: 0 });
export const positiveNumber = (): OptionType<number> => number({ exclusiveMinimum: 0 });
/** Between 0 and 1, both excluded. */
export const fraction = (): OptionType<number> => number({ exclusiveMinimum: 0, exclusiveMaximum: 1 });

export function choice<const Choice extends string>(...choices: readonly Choice[]): OptionType<Choice> {
  return new OptionType({ type: 'string', enum: choices });
}

/** Several texts: `--images a b`, or a list in a config file. */
export function texts({ minItems }: { readonly minItems?: number } = {}): OptionType<readonly string[]> {
  return new OptionType({ type: 'array', items: text().schema, ...(minItems !== undefined && { minItems }) });
}

/** `one,two` or `['one', 'two']`; the value is the list. As a flag with several values, `one two`, too. */
export const commaSeparated = (): OptionType<string | readonly string[], readonly string[]> =>
  new OptionType({ anyOf: [text().schema, texts({ minItems: 1 }).schema] }, (given) => {
    const names = [given].flat().flatMap((part) => part.split(',').map((name) => name.trim()));
    return names.every((name) => name !== '') ? names : undefined;
  });

/** One text, or a list of them; the value is the list. */
export const oneOrSeveral = (): OptionType<string | readonly string[], readonly string[]> =>
  new OptionType({ anyOf: [text().schema, texts({ minItems: 1 }).schema] }, (given) =>
    typeof given === 'string' ? [given] : given,
  );

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `10s`, `2m`, `1h`; the value is in milliseconds. */
export const duration = (): OptionType<string, number> =>
  new OptionType({ type: 'string', pattern: DURATION.source }, (given) => {
    const [, count, unit] = DURATION.exec(given)!;
    return Number(count) * UNITS[unit!]!;
  });

const SIZE = /^(\d+)(?:x(\d+))?$/;
const SIDE: OptionSchema = { type: 'integer', minimum: 32 };

/** `256`, `'320x192'` (height x width) or `[320, 192]`, in pixels; the value is `[height, width]`. */
export const inputSize = (): OptionType<
  number | string | readonly [number, number],
  readonly [height: number, width: number]
> =>
  new OptionType(
    {
      anyOf: [
        SIDE,
        { type: 'string', pattern: SIZE.source },
        { type: 'array', items: [SIDE, SIDE], additionalItems: false, minItems: 2, maxItems: 2 },
      ],
    },
    (given) => {
      const sides = sidesOf(given);
      return sides.every((side) => accepts(SIDE, side)) ? sides : undefined;
    },
  );

function sidesOf(given: number | string | readonly [number, number]): readonly [number, number] {
  if (typeof given === 'number') return [given, given];
  if (typeof given !== 'string') return given;
  const [, height, width] = SIZE.exec(given)!;
  return [Number(height), Number(width ?? height)];
}
