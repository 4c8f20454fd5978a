import type { DskdError } from '@dskd/base';
import { invalidWeights, quoted } from './byte-reader.js';
import { OpaqueGlobal, OpaqueObject, PickleGlobal } from './pickle/pickle-global.js';
import { StoredTensor } from './stored-tensor.js';

/** Common names of the state dict in a checkpoint. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];

/** Prefixes that `DataParallel` and `torch.compile` add to every name. */
const PREFIXES = ['module.', '_orig_mod.'];

/** Largest number of entries in a message. */
const SHOWN = 8;

const SAVE_IT = "Save only the state dict: torch.save(model.state_dict(), 'weights.pth') in Python.";
const NOT_CALLED = ' Nothing in it was called.';

type Dict = ReadonlyMap<unknown, unknown>;

function describe(value: unknown): string {
  if (value instanceof StoredTensor) return `a tensor [${value.shape.join(', ')}]`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (value instanceof OpaqueObject) return `an object of ${quoted(value.name)}`;
  if (value instanceof PickleGlobal) return quoted(value.name);
  return value === null ? 'None' : 'a Python object';
}

function describeAll(dict: Dict, names: readonly unknown[]): string {
  const shown = names.slice(0, SHOWN).map((name) => `${quoted(nameOf(name))} (${describe(dict.get(name))})`);
  if (names.length > SHOWN) shown.push(`and ${names.length - SHOWN} more`);
  return shown.join(', ');
}

function nameOf(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : describe(key);
}

function isStateDict(value: unknown): value is Map<string, StoredTensor> {
  if (!(value instanceof Map)) return false;
  for (const [name, entry] of value)
    if (typeof name !== 'string' || !(entry instanceof StoredTensor)) return false;
  return true;
}

/** A hint on how to read or save the state dict, with the value of `unwrap` that reads it, if there is one. */
interface Remedy {
  readonly hint: string;
  readonly unwrap?: boolean | string;
}

function remedyFor(dict: Dict): Remedy {
  const wrapper = WRAPPERS.find((name) => dict.get(name) instanceof Map);
  if (wrapper !== undefined) {
    return { hint: `Pass unwrap: true to read the tensors in '${wrapper}'.`, unwrap: true };
  }
  const nested = [...dict].find(
    ([name, value]) => typeof name === 'string' && isStateDict(value) && value.size > 0,
  );
  if (nested) {
    const name = nested[0] as string;
    return { hint: `Pass unwrap: ${quoted(name)} to read the tensors in it.`, unwrap: name };
  }
  return { hint: SAVE_IT };
}

/** The names of classes and functions that are not known here and were not called, among the values of a dict. */
function opaqueNames(values: Iterable<unknown>): string[] {
  const names = new Set<string>();
  for (const value of values) {
    if (value instanceof OpaqueObject || value instanceof OpaqueGlobal) names.add(value.name);
  }
  return [...names];
}

function notAStateDict(root: unknown): DskdError {
  if (!(root instanceof Map)) {
    const globals = opaqueNames([root]);
    return invalidWeights(
      'state dict',
      `the file contains ${describe(root)}; expected a dict of tensors.${globals.length > 0 ? NOT_CALLED : ''}`,
      {
        hint:
          globals.length > 0
            ? SAVE_IT
            : "Save a dict: torch.save({'name': tensor}, 'weights.pth') in Python.",
        ...(globals.length > 0 && { details: { globals } }),
      },
    );
  }
  const others = [...root.keys()].filter(
    (name) => typeof name !== 'string' || !(root.get(name) instanceof StoredTensor),
  );
  const count = root.size - others.length;
  const globals = opaqueNames(others.map((name): unknown => root.get(name)));
  const { hint, unwrap } = remedyFor(root);
  return invalidWeights(
    'state dict',
    `besides ${count} ${count === 1 ? 'tensor' : 'tensors'} it contains ${describeAll(root, others)}.` +
      (globals.length > 0 ? NOT_CALLED : ''),
    {
      hint,
      details: {
        entries: others.slice(0, SHOWN).map(nameOf),
        ...(unwrap !== undefined && { unwrap }),
        ...(globals.length > 0 && { globals: globals.slice(0, SHOWN) }),
      },
    },
  );
}

function entryOf(root: unknown, name: string): unknown {
  if (root instanceof Map && root.has(name)) return root.get(name);
  const contents = root instanceof Map ? describeAll(root, [...root.keys()]) : describe(root);
  throw invalidWeights('checkpoint', `it has no entry ${quoted(name)}; it contains ${contents}.`, {
    hint: 'Pass one of these names as unwrap.',
  });
}

/** Returns the state dict inside known wrappers, or the innermost value that is not a wrapper. */
function withoutWrappers(root: unknown): unknown {
  // A checkpoint can contain itself.
  const seen = new Set<unknown>();
  let dict = root;
  while (dict instanceof Map && !isStateDict(dict) && !seen.has(dict)) {
    const outer: Dict = dict;
    seen.add(outer);
    const found = WRAPPERS.filter((name) => outer.get(name) instanceof Map);
    if (found.length > 1) {
      throw invalidWeights('checkpoint', `it has several state dicts: ${describeAll(outer, found)}.`, {
        hint: `Pass the name of one of them, for example unwrap: '${found[0]!}'.`,
      });
    }
    if (found.length === 0) return outer;
    dict = outer.get(found[0]);
  }
  return dict;
}

/** Removes the known prefixes that all names have. */
export function withoutPrefixes<Entry>(tensors: ReadonlyMap<string, Entry>): Map<string, Entry> {
  let named = [...tensors];
  for (;;) {
    const prefix = PREFIXES.find((start) => named.every(([name]) => name.startsWith(start)));
    if (prefix === undefined || named.length === 0) return new Map(named);
    named = named.map(([name, entry]) => [name.slice(prefix.length), entry]);
  }
}

/**
 * Returns the state dict in the object of a PyTorch file: the object itself, the contents of known wrappers (`unwrap`
 * is true), or the contents of one entry (`unwrap` is its name).
 * @throws {DskdError} `weights-invalid`, with the contents of the file and, in the hint, the option that reads them
 */
export function findStateDict(root: unknown, unwrap: boolean | string): Map<string, StoredTensor> {
  const start = typeof unwrap === 'string' ? entryOf(root, unwrap) : root;
  const found = unwrap === false ? start : withoutWrappers(start);
  if (!isStateDict(found)) throw notAStateDict(found);
  return found;
}
