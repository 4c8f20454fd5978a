import type { Bins } from './paged-histogram.js';

/**
 * How many positives and negatives have each key, cut down to a multiple of `2 ** shift`: three parallel arrays,
 * keys ascending and distinct.
 */
export interface Tally {
  readonly shift: number;
  readonly keys: Uint32Array;
  readonly positives: Uint32Array;
  readonly negatives: Uint32Array;
}

/** Two classes side by side, as finely as the coarser of them is known. */
export function tallyOf(positives: Bins, negatives: Bins): Tally {
  const shift = Math.max(positives.shift, negatives.shift);
  const capacity = positives.bins.length + negatives.bins.length;
  const keys = new Uint32Array(capacity);
  const counts = { positives: new Uint32Array(capacity), negatives: new Uint32Array(capacity) };
  const keyOf = ({ bins, shift: own }: Bins, index: number): number =>
    index < bins.length ? (bins[index]! >>> (shift - own)) * 2 ** shift : Infinity;
  let length = 0;
  let i = 0;
  let j = 0;
  while (i < positives.bins.length || j < negatives.bins.length) {
    const [positiveKey, negativeKey] = [keyOf(positives, i), keyOf(negatives, j)];
    const key = Math.min(positiveKey, negativeKey);
    if (length === 0 || keys[length - 1] !== key) keys[length++] = key;
    if (positiveKey === key) counts.positives[length - 1]! += positives.counts[i++]!;
    else counts.negatives[length - 1]! += negatives.counts[j++]!;
  }
  return {
    shift,
    keys: keys.slice(0, length),
    positives: counts.positives.slice(0, length),
    negatives: counts.negatives.slice(0, length),
  };
}
