import { DskdError } from '@dskd/base';
import type { StateDict, StateDictEntry } from './types.js';

const SHOWN = 8;

/** Names for a message: the first few, and how many more. */
export function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** Zero times a number is zero unless the number is NaN or infinite: one sum tells of all. */
function areFinite(values: Float32Array | Float64Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}

/** Whether every element is a number one can compute with. Integers always are. */
function isFinite({ dtype, data }: StateDictEntry): boolean {
  switch (dtype) {
    case 'F16':
      return (data as Uint16Array).every((bits) => (bits & 0x7c00) !== 0x7c00);
    case 'BF16':
      return (data as Uint16Array).every((bits) => (bits & 0x7f80) !== 0x7f80);
    case 'F32':
    case 'F64':
      return areFinite(data as Float32Array | Float64Array);
    default:
      return true;
  }
}

/**
 * Refuses NaN and infinity.
 * @throws {DskdError} `weights-not-finite`, naming the tensors.
 */
export function assertFinite(tensors: StateDict): void {
  const damaged = [...tensors].filter(([, entry]) => !isFinite(entry)).map(([name]) => name);
  if (damaged.length === 0) return;
  throw new DskdError('weights-not-finite', `NaN or infinite numbers in ${listed(damaged)}.`, {
    hint: 'Training diverged (try a lower learning rate) or the file is damaged.',
    details: { tensors: damaged },
  });
}

/** Ours are a handful deep; what is deeper would overflow the stack of whoever walks it. */
const MAX_DEPTH = 32;
const ISSUES_SHOWN = 8;

/**
 * Parses JSON out of a file nobody vouches for.
 * @throws {DskdError} `artifact-invalid`
 */
function parseMetadata(text: string, what: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new DskdError('artifact-invalid', `The ${what}'s description is not JSON.`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new DskdError('artifact-invalid', `The ${what}'s description is not a JSON object.`);
  }
  let layer: unknown[] = [parsed];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new DskdError(
        'artifact-invalid',
        `The ${what}'s description is nested more than ${MAX_DEPTH} deep.`,
      );
    }
    layer = layer.flatMap((value) =>
      typeof value === 'object' && value !== null ? (Object.values(value) as unknown[]) : [],
    );
  }
  return parsed as Readonly<Record<string, unknown>>;
}

/** A schema of zod, or anything that checks as it does. */
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

/** Brings a description of an older format to that of the schema; may refuse a format. */
export type MigrateMetadata = (
  parsed: Readonly<Record<string, unknown>>,
) => Readonly<Record<string, unknown>>;

/**
 * Holds a description against its schema.
 * @param given JSON text out of a file nobody vouches for, or what is to be written into one.
 * @param what the file is said to be, for messages: `detector`, `checkpoint`.
 * @param migrate called between parsing a text and the check.
 * @throws {DskdError} `artifact-invalid` for a text that is not a JSON object, or naming the fields that are wrong; all
 * of them in `details.issues`.
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
    `The ${what}'s description does not fit its schema:\n${shown.join('\n')}`,
    { details: { issues } },
  );
}

/**
 * Whether no name is another one, or begins with another one and `separator`: where names of tensors begin with the
 * name of what they belong to, these must tell it.
 */
export function namesAreApart(names: readonly string[], separator: string): boolean {
  return names.every((name, index) =>
    names.every((other, at) => at === index || (other !== name && !other.startsWith(name + separator))),
  );
}

/** The entries of `tensors` whose name starts with `prefix.`, under the rest of their names. */
export function tensorsUnder(tensors: StateDict, prefix: string): StateDict {
  const start = `${prefix}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(start))
      .map(([name, entry]) => [name.slice(start.length), entry]),
  );
}
