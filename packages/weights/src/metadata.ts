import { DskdError } from '@dskd/base';
import type { StateDict, StateDictEntry } from './types.js';

/** Longest list of names in a message. */
const SHOWN = 8;

/** Returns the first names as text and the number of the others: `a, b and 3 more`. */
export function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

function areFinite(values: Float32Array | Float64Array): boolean {
  // A product with 0 is NaN if the value is NaN or infinite, and so is the sum.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}

/**
 * Whether no element has all bits of the exponent set. Two at a time and without a branch, since models have millions, and this is done
 * each time one is loaded: the lowest bit of an exponent of ones, added to it, carries into the sign bit's place.
 */
function hasNoExponent(data: Uint16Array, exponent: number): boolean {
  const pairs = data.byteOffset % 4 === 0 ? data.length >>> 1 : 0;
  const both = exponent | (exponent << 16);
  const lowest = exponent & -exponent;
  const one = lowest | (lowest << 16);
  const words = new Uint32Array(data.buffer, pairs > 0 ? data.byteOffset : 0, pairs);
  let carries = 0;
  for (let i = 0; i < pairs; i++) carries |= (words[i]! & both) + one;
  for (let i = 2 * pairs; i < data.length; i++) carries |= (data[i]! & exponent) + lowest;
  return (carries & 0x80008000) === 0;
}

/** Whether no element is NaN or infinite. */
function isFinite({ dtype, data }: StateDictEntry): boolean {
  switch (dtype) {
    case 'F16':
      return hasNoExponent(data as Uint16Array, 0x7c00);
    case 'BF16':
      return hasNoExponent(data as Uint16Array, 0x7f80);
    case 'F32':
    case 'F64':
      return areFinite(data as Float32Array | Float64Array);
    default:
      return true;
  }
}

/** @throws {DskdError} `weights-not-finite`, with the names of the tensors that contain NaN or infinity */
export function assertFinite(tensors: StateDict): void {
  const damaged = [...tensors].filter(([, entry]) => !isFinite(entry)).map(([name]) => name);
  if (damaged.length === 0) return;
  throw new DskdError('weights-not-finite', `NaN or infinite numbers in ${listed(damaged)}.`, {
    hint: 'Training diverged (try a lower learning rate) or the file is damaged.',
    details: { tensors: damaged },
  });
}

/** Deepest nesting of a description. Much deeper values would overflow the stack of recursive code. */
const MAX_DEPTH = 32;
const ISSUES_SHOWN = 8;

/**
 * Parses the JSON text of an untrusted file.
 * @throws {DskdError} `artifact-invalid` if it is not a JSON object or too deeply nested
 */
function parseMetadata(text: string, what: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new DskdError('artifact-invalid', `The description of the ${what} is not JSON.`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new DskdError('artifact-invalid', `The description of the ${what} is not a JSON object.`);
  }
  let layer: unknown[] = [parsed];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new DskdError(
        'artifact-invalid',
        `The description of the ${what} is nested more than ${MAX_DEPTH} levels deep.`,
      );
    }
    layer = layer.flatMap((value) =>
      typeof value === 'object' && value !== null ? (Object.values(value) as unknown[]) : [],
    );
  }
  return parsed as Readonly<Record<string, unknown>>;
}

/** A zod schema, or an object with the same `safeParse`. */
export interface MetadataSchema<Output> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: Output }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
}

/** Converts a description in an older format to the current one. May throw for an unsupported format. */
export type MigrateMetadata = (
  parsed: Readonly<Record<string, unknown>>,
) => Readonly<Record<string, unknown>>;

/**
 * Validates a description and returns the output of the schema.
 * @param given JSON text from an untrusted file, or an object that is to be written to a file
 * @param what kind of file in error messages, for example `detector` or `checkpoint`
 * @param migrate applied to parsed text before validation
 * @throws {DskdError} `artifact-invalid` if the text is not a JSON object, or if fields are invalid. `details.issues`
 * lists all invalid fields.
 */
export function checkMetadata<Output>(
  schema: MetadataSchema<Output>,
  given: unknown,
  what: string,
  migrate: MigrateMetadata = (parsed) => parsed,
): Output {
  const checked = schema.safeParse(typeof given === 'string' ? migrate(parseMetadata(given, what)) : given);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message,
  }));
  const shown = issues.slice(0, ISSUES_SHOWN).map(({ path, message }) => `  ${path}: ${message}`);
  if (issues.length > ISSUES_SHOWN) shown.push(`  and ${issues.length - ISSUES_SHOWN} more`);
  throw new DskdError(
    'artifact-invalid',
    `The description of the ${what} does not match its schema:\n${shown.join('\n')}`,
    { details: { issues } },
  );
}

/**
 * Whether all names are different, and none starts with another one followed by `separator`. Such names can be used as
 * prefixes of tensor names without ambiguity.
 */
export function namesAreApart(names: readonly string[], separator: string): boolean {
  return names.every((name, index) =>
    names.every((other, at) => at === index || (other !== name && !other.startsWith(name + separator))),
  );
}

/** Returns the tensors whose names start with `prefix.`, with this prefix removed. */
export function tensorsUnder(tensors: StateDict, prefix: string): StateDict {
  const start = `${prefix}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(start))
      .map(([name, entry]) => [name.slice(start.length), entry]),
  );
}
