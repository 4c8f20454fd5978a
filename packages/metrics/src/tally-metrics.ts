import { between, justBelow } from './between.js';
import { valueOfKey } from './ordered-keys.js';
import type { Tally } from './tally.js';

/** The exact value is not outside the bounds; all three are equal until scores had to be counted together. */
export interface BoundedValue {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

export interface PixelPrecision {
  /** Sum of precision times step in recall, without interpolation. NaN without anomalous pixels. */
  readonly averagePrecision: BoundedValue;
  /** The highest F1 of any threshold. NaN without anomalous pixels. */
  readonly f1Max: BoundedValue & {
    /**
     * It gives an F1 of `value`; flagged is what scores greater. Of several equally good ones, the one that flags
     * fewest pixels. `Infinity` without anomalous pixels.
     */
    readonly threshold: number;
  };
}

/** The threshold that parts a bin from the next lower one, if there is one: as `operatingPoints` has it. */
function thresholdBelow(key: number, lowerKey: number | undefined, shift: number): number {
  const lowest = valueOfKey(key);
  if (lowerKey === undefined) return justBelow(lowest);
  return between(valueOfKey(lowerKey + 2 ** shift - 1), lowest);
}

/**
 * Average precision and F1-max of a tally.
 *
 * Within a bin that holds p positives and n negatives, after a positives and b negatives in higher bins, the
 * j-th positive's precision is at least `(a + j) / (a + j + b + n)` (every negative of the bin scores higher) and
 * at most `(a + p) / (a + p + b)` (all the bin's positives tie, above its negatives). The lower bound is concave
 * in j, so its sum is at least p times the mean of its first and last term. Likewise no threshold inside the bin
 * has more than a + p true positives or less than b false ones.
 */
export function precisionOf({ shift, keys, positives, negatives }: Tally): PixelPrecision {
  const total = positives.reduce((sum, count) => sum + count, 0);
  const precision = { value: 0, lower: 0, upper: 0 };
  let best = total === 0 ? { value: NaN, threshold: Infinity } : { value: 0, threshold: Infinity };
  let bestUpper = best.value;
  let above = 0;
  let falseAbove = 0;
  for (let i = keys.length - 1; i >= 0; i--) {
    const p = positives[i]!;
    const n = negatives[i]!;
    const to = above + p;
    const falseTo = falseAbove + n;
    if (p > 0) {
      const last = to / (to + falseTo);
      const first = (above + 1) / (above + 1 + falseTo);
      precision.value += p * last;
      precision.lower += (p * (first + last)) / 2;
      precision.upper += (p * to) / (to + falseAbove);
      bestUpper = Math.max(bestUpper, (2 * to) / (to + falseAbove + total));
      const f1 = (2 * to) / (to + falseTo + total);
      if (f1 > best.value) best = { value: f1, threshold: thresholdBelow(keys[i]!, keys[i - 1], shift) };
    }
    above = to;
    falseAbove = falseTo;
  }
  const value = precision.value / total;
  const isExact = shift === 0;
  return {
    averagePrecision: {
      value,
      // Rounding alone could put them on the wrong side.
      lower: isExact ? value : Math.min(value, precision.lower / total),
      upper: isExact ? value : Math.max(value, precision.upper / total),
    },
    f1Max: { ...best, lower: best.value, upper: isExact ? best.value : bestUpper },
  };
}
