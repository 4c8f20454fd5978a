import { z } from 'zod';

/** What an option is besides its type, description and default. */
export interface OptionFacts {
  /** Shown by the short help. */
  readonly main?: boolean;
  /** What its value is called in the help: `--out <file>`. */
  readonly value?: string;
  /** Heading it stands under in the long help and in a config file. */
  readonly group?: string;
  /** What is wanted, where the type alone does not say it. */
  readonly wanted?: string;
  /** The default in words, where it is not a constant. */
  readonly defaultText?: string;
  /** A value to show in a config file, where there is no default. */
  readonly example?: string | number;
  /** A file or folder; in a config file it is relative to that file. */
  readonly path?: boolean;
  /** Decides the result: the artifact records it. */
  readonly recorded?: boolean;
  /** What `--no-NAME` says in the help, where an option is on unless switched off. */
  readonly negative?: string;
  /** Not in a config file. */
  readonly flagOnly?: boolean;
}

const FACTS = new WeakMap<z.core.$ZodType, OptionFacts>();

/** An option of a command: everything about it, said once. Flag, help, config file and checks come from it. */
export function option<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  facts: OptionFacts = {},
): Schema {
  const described = schema.describe(description);
  FACTS.set(described, facts);
  return described;
}

export function factsOf(schema: z.core.$ZodType): OptionFacts {
  return FACTS.get(schema) ?? {};
}

/** The types that options are made of. */
export const positiveInteger = (): z.ZodInt => z.int().min(1);
export const wholeNumber = (): z.ZodInt => z.int().min(0);
export const positiveNumber = (): z.ZodNumber => z.number().positive();
/** Between 0 and 1, both excluded. */
export const fraction = (): z.ZodNumber => z.number().gt(0).lt(1);
export const text = (): z.ZodString => z.string().min(1);

/** `one,two` or `['one', 'two']`; the latter when parsed. */
export const names = z
  .union([text(), z.array(text()).min(1)])
  .transform((given) => (typeof given === 'string' ? given.split(',').map((name) => name.trim()) : given));

const SIZE = /^(\d+)(?:x(\d+))?$/;
const SMALLEST = 32;

/** `256`, `'320x192'` (height x width) or `[320, 192]`, in pixels; `[height, width]` when parsed. */
export const inputSize = z
  .union([
    z.int().min(SMALLEST),
    z.string().regex(SIZE),
    z.tuple([z.int().min(SMALLEST), z.int().min(SMALLEST)]),
  ])
  .transform((given, context): [number, number] => {
    const [height, width] = sidesOf(given);
    if (height < SMALLEST || width < SMALLEST) {
      context.issues.push({ code: 'custom', input: given, message: 'too small' });
    }
    return [height, width];
  });

function sidesOf(given: number | string | [number, number]): [number, number] {
  if (typeof given === 'number') return [given, given];
  if (typeof given !== 'string') return given;
  const [, height, width] = SIZE.exec(given)!;
  return [Number(height), Number(width ?? height)];
}
