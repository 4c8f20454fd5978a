import { DskdError } from '@dskd/base';
import { between, justBelow } from './operating-points.js';
import { orderedKey, valueOfKey } from './ordered-keys.js';
import type { Bins } from './paged-histogram.js';
import {
  PixelScores,
  scoreMemory,
  type PixelScoresState,
  type ScoreMemory,
  type ScoreMemoryOptions,
} from './pixel-scores.js';

/** The pixels of one image. */
export interface PixelSample {
  /** For error messages. */
  readonly name?: string;
  /** Anomaly score of each pixel. */
  readonly map: Float32Array;
  /** As long as `map`: not 0 where a pixel is anomalous. */
  readonly mask: Uint8Array;
  /** As long as `map`: not 0 where a pixel is left out. */
  readonly ignored?: Uint8Array;
}

export interface PixelMetrics extends PixelPrecision {
  /** Ties count one half. NaN without anomalous or without normal pixels. */
  readonly auroc: number;
  /** Bound on the error of `auroc`: 0 while all scores are kept individually. */
  readonly errorBound: number;
  /** Number of anomalous pixels. */
  readonly positives: number;
  /** Number of normal pixels. */
  readonly negatives: number;
}

export interface PixelMetricsState extends ScoreMemory {
  readonly positives: PixelScoresState;
  readonly negatives: PixelScoresState;
}

/** All ones in infinities and NaN. */
const EXPONENT = 0x7f800000;

/**
 * AUROC, average precision and F1-max over all pixels of all images, one image at a time, in bounded memory.
 *
 * Exact (ties count one half) while there are at most `pixelsKeptExactly` normal and as many anomalous pixels. With
 * more, scores are counted in `histogramBins` bins, as narrow as the scores allow, and scores in one bin count as tied.
 * Only pairs of pixels within one bin can then be counted wrongly, by at most one half each. The error of the AUROC is
 * therefore at most the sum over bins of positives times negatives, divided by twice the number of pairs; `result()`
 * returns it as `errorBound`, with bounds of the other metrics.
 */
export class PixelMetricsAccumulator {
  readonly #memory: ScoreMemory;
  readonly #positives: PixelScores;
  readonly #negatives: PixelScores;

  /** @throws {DskdError} `invalid-argument` for numbers out of range. */
  constructor(memory: ScoreMemoryOptions = {}) {
    this.#memory = scoreMemory(memory);
    this.#positives = new PixelScores(this.#memory);
    this.#negatives = new PixelScores(this.#memory);
  }

  /**
   * Adds the pixels of one image.
   * @throws {DskdError} `shape-mismatch` when map, mask and ignore mask differ in length; `invalid-argument` for a
   * score that is not finite, or more than 2^31 - 1 pixels of one class. Nothing is added then.
   */
  add({ name, map, mask, ignored }: PixelSample): void {
    const whose = name === undefined ? '' : ` of ${name}`;
    if (mask.length !== map.length || (ignored && ignored.length !== map.length)) {
      throw new DskdError(
        'shape-mismatch',
        `Got a map${whose} with ${map.length} pixels, a mask with ${mask.length}` +
          `${ignored ? ` and an ignore mask with ${ignored.length}` : ''}; wanted the same number.`,
        { details: { name, map: map.length, mask: mask.length, ignored: ignored?.length } },
      );
    }
    const bits = new Uint32Array(map.buffer, map.byteOffset, map.length);
    const positives = new Uint32Array(map.length);
    const negatives = new Uint32Array(map.length);
    let positiveCount = 0;
    let negativeCount = 0;
    for (let i = 0; i < map.length; i++) {
      if (ignored?.[i]) continue;
      if ((bits[i]! & EXPONENT) === EXPONENT) {
        throw new DskdError(
          'invalid-argument',
          `Got ${String(map[i])} at pixel ${i}${whose}; wanted finite scores.`,
          { details: { name, index: i } },
        );
      }
      if (mask[i]) positives[positiveCount++] = orderedKey(bits[i]!);
      else negatives[negativeCount++] = orderedKey(bits[i]!);
    }
    this.#positives.assertRoomFor(positiveCount);
    this.#negatives.assertRoomFor(negativeCount);
    this.#positives.addKeys(positives.subarray(0, positiveCount));
    this.#negatives.addKeys(negatives.subarray(0, negativeCount));
  }

  /** Adds the pixels of `other`, which is not changed. */
  merge(other: PixelMetricsAccumulator): void {
    this.#positives.merge(other.#positives);
    this.#negatives.merge(other.#negatives);
  }

  /** The metrics of all images so far. More images can be added afterwards. */
  result(): PixelMetrics {
    const tally = tallyOf(this.#positives.counts(), this.#negatives.counts());
    const { shift, keys, positives, negatives } = tally;
    // Counts of pairs are exact up to 9e15 pairs; beyond that the relative error is 1e-16 per step.
    let positivesBelow = 0;
    let negativesBelow = 0;
    let wins = 0;
    let ties = 0;
    for (let i = 0; i < keys.length; i++) {
      wins += positives[i]! * negativesBelow;
      ties += positives[i]! * negatives[i]!;
      positivesBelow += positives[i]!;
      negativesBelow += negatives[i]!;
    }
    const pairs = positivesBelow * negativesBelow;
    return {
      auroc: (wins + ties / 2) / pairs,
      errorBound: shift === 0 ? 0 : ties / 2 / pairs,
      ...precisionOf(tally),
      positives: positivesBelow,
      negatives: negativesBelow,
    };
  }

  /** The state as plain JSON. */
  toJSON(): PixelMetricsState {
    return {
      ...this.#memory,
      positives: this.#positives.toJSON(),
      negatives: this.#negatives.toJSON(),
    };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: PixelMetricsState): PixelMetricsAccumulator {
    const accumulator = new PixelMetricsAccumulator(state);
    accumulator.#positives.merge(PixelScores.fromJSON(state.positives, accumulator.#memory));
    accumulator.#negatives.merge(PixelScores.fromJSON(state.negatives, accumulator.#memory));
    return accumulator;
  }
}

/**
 * Number of positives and negatives with each key, rounded down to a multiple of `2 ** shift`: three parallel arrays,
 * keys ascending and distinct.
 */
export interface Tally {
  readonly shift: number;
  readonly keys: Uint32Array;
  readonly positives: Uint32Array;
  readonly negatives: Uint32Array;
}

/** Merges the bins of two classes, with the coarser shift of the two. */
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

/** A value with bounds of the exact value. All three are equal while all scores are kept individually. */
export interface BoundedValue {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

export interface PixelPrecision {
  /** Sum of precision times step in recall, without interpolation. NaN without anomalous pixels. */
  readonly averagePrecision: BoundedValue;
  /** The highest F1 over all thresholds. NaN without anomalous pixels. */
  readonly f1Max: BoundedValue & {
    /**
     * The threshold whose F1 is `value`: pixels with a greater score are flagged. Of several equally good ones, the
     * one that flags fewest pixels. `Infinity` without anomalous pixels.
     */
    readonly threshold: number;
  };
}

/** The threshold between a bin and the next lower one, if there is one, as in `operatingPoints`. */
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
      // Rounding could otherwise exchange value and bounds.
      lower: isExact ? value : Math.min(value, precision.lower / total),
      upper: isExact ? value : Math.max(value, precision.upper / total),
    },
    f1Max: { ...best, lower: best.value, upper: isExact ? best.value : bestUpper },
  };
}
