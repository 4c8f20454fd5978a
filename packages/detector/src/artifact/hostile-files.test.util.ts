import { isDskdError, randomStream, type RandomStream } from '@dskd/base';
import { readSafetensors, writeSafetensors } from '@dskd/weights';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const JUNK: readonly Json[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e-300,
  1e9,
  1e300,
  Number.MAX_SAFE_INTEGER,
  '',
  'x',
  '__proto__',
  '\u0000',
  '../../etc/passwd',
  'x'.repeat(10_000),
  [],
  [[]],
  [1, 2, 3],
  {},
  { constructor: 1 },
  JSON.parse('{"__proto__":{"format":2}}') as Json,
  Array.from({ length: 1000 }, () => 7),
];

interface Place {
  readonly holder: Json[] | { [key: string]: Json };
  readonly key: string;
}

function placesIn(root: Json): Place[] {
  const places: Place[] = [];
  const walk = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ holder: value, key });
      walk((value as Record<string, Json>)[key]!);
    }
  };
  walk(root);
  return places;
}

function oneOf<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

/** Changes a JSON value in place, in one of the ways in which a description can be wrong. */
function damage(root: Json, random: RandomStream): void {
  const places = placesIn(root);
  const { holder, key } = oneOf(random, places);
  const slot = holder as Record<string, Json>;
  const set = (value: Json): void => {
    Object.defineProperty(slot, key, { value, enumerable: true, configurable: true, writable: true });
  };
  const old = slot[key] as Json;
  switch (random.integer(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else Reflect.deleteProperty(slot, key);
      break;
    case 1: {
      const other = oneOf(random, places);
      set(structuredClone((other.holder as Record<string, Json>)[other.key]!));
      break;
    }
    case 2:
      if (typeof old === 'number') set(oneOf(random, [old + 1, old * 2, -old, old / 3, old * 1e6]));
      else if (Array.isArray(old)) old.push(...structuredClone(old));
      else set(oneOf(random, JUNK));
      break;
    case 3:
      if (typeof old === 'object' && old !== null && !Array.isArray(old)) old.extra = oneOf(random, JUNK);
      else set([structuredClone(old)]);
      break;
    default:
      set(structuredClone(oneOf(random, JUNK)));
  }
}

/** The description of `file` damaged by `seed`: one to three changes of its JSON, or of its text. */
export function withDamagedDescription(file: Uint8Array, entry: string, seed: number): Uint8Array {
  const random = randomStream(seed, 'damage');
  const { tensors, metadata } = readSafetensors(file);
  let text = metadata[entry]!;
  if (random.integer(10) === 0) {
    const at = random.integer(text.length);
    text = text.slice(0, at) + oneOf(random, ['', '"', '}', '[', ',', '9', 'e', '\\']) + text.slice(at + 1);
  } else {
    const description = JSON.parse(text) as Json;
    for (let change = random.integer(3); change >= 0; change--) damage(description, random);
    text = JSON.stringify(description);
  }
  return writeSafetensors(tensors, { [entry]: text });
}

/** `file` with some of its bytes changed, or its end cut off. */
export function withDamagedBytes(file: Uint8Array, seed: number): Uint8Array {
  const random = randomStream(seed, 'bytes');
  const length = random.integer(4) === 0 ? random.integer(file.length) : file.length;
  const damaged = Uint8Array.from(file.subarray(0, length));
  const header = Math.min(length, 4096);
  for (let change = random.integer(4); change >= 0 && length > 0; change--) {
    // Most of the danger is in the header.
    damaged[random.integer(random.integer(2) === 0 ? header : length)] = random.integer(256);
  }
  return damaged;
}

export interface Outcome {
  accepted: number;
  /** By error code. */
  readonly refused: Record<string, number>;
}

/** Gives each of `count` damaged files to `use`: whatever it rejects with must be a DskdError. */
export async function useDamaged(
  count: number,
  make: (seed: number) => Uint8Array,
  use: (file: Uint8Array) => Promise<void>,
): Promise<Outcome> {
  const outcome: Outcome = { accepted: 0, refused: {} };
  for (let seed = 0; seed < count; seed++) {
    try {
      await use(make(seed));
      outcome.accepted++;
    } catch (error) {
      if (!isDskdError(error))
        throw new Error(`Damage ${seed} was not refused but failed.`, { cause: error });
      outcome.refused[error.code] = (outcome.refused[error.code] ?? 0) + 1;
    }
  }
  return outcome;
}
