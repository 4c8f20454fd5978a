/**
 * How many positives and negatives have each key: three parallel arrays, keys ascending and distinct.
 * The accumulator's sorted run.
 */
export interface Tally {
  readonly keys: Uint32Array;
  readonly positives: Uint32Array;
  readonly negatives: Uint32Array;
}

export const EMPTY_TALLY: Tally = {
  keys: new Uint32Array(0),
  positives: new Uint32Array(0),
  negatives: new Uint32Array(0),
};

/** Counts one class's keys, which are sorted in place; the other class gets zeros. */
export function tallyOf(keys: Uint32Array, label: 'positives' | 'negatives'): Tally {
  keys.sort();
  const distinct = new Uint32Array(keys.length);
  const counts = new Uint32Array(keys.length);
  let length = 0;
  for (let i = 0; i < keys.length; i++) {
    if (i === 0 || keys[i] !== keys[i - 1]) distinct[length++] = keys[i]!;
    counts[length - 1]!++;
  }
  const zeros = new Uint32Array(length);
  const found = { keys: distinct.slice(0, length), positives: zeros, negatives: zeros };
  return { ...found, [label]: counts.slice(0, length) };
}

/** The sum of two tallies, keys cut down to multiples of `2 ** shift`. */
export function mergeTallies(a: Tally, b: Tally, shift: number): Tally {
  const capacity = a.keys.length + b.keys.length;
  const keys = new Uint32Array(capacity);
  const positives = new Uint32Array(capacity);
  const negatives = new Uint32Array(capacity);
  let length = 0;
  let i = 0;
  let j = 0;
  while (i < a.keys.length || j < b.keys.length) {
    const fromA = j >= b.keys.length || (i < a.keys.length && a.keys[i]! <= b.keys[j]!);
    const source = fromA ? a : b;
    const index = fromA ? i++ : j++;
    const key = ((source.keys[index]! >>> shift) << shift) >>> 0;
    if (length === 0 || keys[length - 1] !== key) keys[length++] = key;
    positives[length - 1]! += source.positives[index]!;
    negatives[length - 1]! += source.negatives[index]!;
  }
  return {
    keys: keys.slice(0, length),
    positives: positives.slice(0, length),
    negatives: negatives.slice(0, length),
  };
}
