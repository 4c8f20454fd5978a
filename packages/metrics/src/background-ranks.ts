/**
 * How many pixels free of defects score above something. Scores are told apart by their bin, `key >>> shift`; with
 * shift 0 a bin is one float32 value.
 */
export interface BackgroundRanks {
  readonly pixels: number;
  readonly shift: number;
  /** How many have `bin`, 0 to `2 ** (32 - shift)`, or a higher one. */
  readonly atOrAbove: (bin: number) => number;
}

/** Index of the first of ascending `keys` that is not below `key`; their number if all are. */
export function lowerBound(keys: Uint32Array, key: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of `keys`, which are sorted in place. Exact. */
export function ranksOfKeys(keys: Uint32Array): BackgroundRanks {
  keys.sort();
  return { pixels: keys.length, shift: 0, atOrAbove: (key) => keys.length - lowerBound(keys, key) };
}
