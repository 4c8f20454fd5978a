import { DskdError } from '@dskd/base';
import { fromBase64, toBase64 } from './base64.js';
import { orderedKey } from './ordered-keys.js';
import { EMPTY_TALLY, mergeTallies, tallyOf, type Tally } from './tally.js';
import { precisionOf, type PixelPrecision } from './tally-metrics.js';

export interface PixelAurocOptions {
  /**
   * How many different scores are kept apart before neighbouring ones are counted together. 12 bytes each, and
   * as much again while merging. Default 4 194 304 (2^22).
   */
  readonly maxDistinctScores?: number;
}

/** One picture. */
export interface PixelAurocSample {
  /** Said in errors. */
  readonly name?: string;
  /** Anomaly score of each pixel. */
  readonly map: Float32Array;
  /** As long as `map`: a pixel is anomalous where it is not 0 (whatever the value). */
  readonly mask: Uint8Array;
  /** As long as `map`: pixels where it is not 0 are left out. */
  readonly ignored?: Uint8Array;
}

export interface PixelAurocResult extends PixelPrecision {
  /** Ties count one half. NaN without anomalous or without normal pixels. */
  readonly auroc: number;
  /** How far `auroc` can be from the exact value: 0 until scores had to be counted together. */
  readonly errorBound: number;
  /** Anomalous pixels seen. */
  readonly positives: number;
  /** Normal pixels seen. */
  readonly negatives: number;
}

export interface PixelAurocState {
  readonly maxDistinctScores: number;
  readonly shift: number;
  /** Base64 of little-endian uint32, as the two counts. */
  readonly keys: string;
  readonly positives: string;
  readonly negatives: string;
}

/** Pixels that wait before they are sorted and merged into the tally. */
const RUN_LENGTH = 2 ** 20;
/** All ones in infinities and NaN. */
const EXPONENT = 0x7f800000;
/** Counts are 32 bits wide. */
const MAX_PIXELS = 2 ** 32 - 1;

/**
 * AUROC, average precision and F1-max over all pixels of all pictures, a picture at a time, in bounded memory.
 *
 * Scores are counted by their float32 bits, so the results are exact (ties one half) while there are at most
 * `maxDistinctScores` different ones. Beyond that the lowest bit of the scores is dropped, then the next:
 * scores closer than one part in `2 ** (23 - bits)` count as tied. Pixel pairs within one such bin are the only
 * ones that can be misjudged, by one half at most, so the error is at most the sum over mixed bins of
 * positives times negatives, over twice the number of pairs; `result()` reports that sum, and bounds of the others.
 */
export class PixelAurocAccumulator {
  readonly #maxDistinctScores: number;
  #shift = 0;
  #tally: Tally = EMPTY_TALLY;
  #pixels = 0;
  readonly #waiting = { positives: [] as Uint32Array[], negatives: [] as Uint32Array[], length: 0 };

  /** @throws {DskdError} `invalid-argument` when `maxDistinctScores` is not an integer of at least 512. */
  constructor({ maxDistinctScores = 2 ** 22 }: PixelAurocOptions = {}) {
    // 9 bits, sign and exponent, are always kept.
    if (!Number.isInteger(maxDistinctScores) || maxDistinctScores < 512) {
      throw new DskdError(
        'invalid-argument',
        `Got maxDistinctScores ${maxDistinctScores}; wanted an integer of at least 512.`,
      );
    }
    this.#maxDistinctScores = maxDistinctScores;
  }

  /**
   * Adds the pixels of one picture.
   * @throws {DskdError} `shape-mismatch` when map, mask and ignore mask differ in length; `invalid-argument` for a
   * score that is not finite, or past 2^32 pixels. Nothing is added then.
   */
  add({ name, map, mask, ignored }: PixelAurocSample): void {
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
    this.#countPixels(positiveCount + negativeCount);
    this.#waiting.positives.push(positives.slice(0, positiveCount));
    this.#waiting.negatives.push(negatives.slice(0, negativeCount));
    this.#waiting.length += positiveCount + negativeCount;
    if (this.#waiting.length >= RUN_LENGTH) this.#flush();
  }

  /** Adds all that `other` has seen. `other` stays as it is. */
  merge(other: PixelAurocAccumulator): void {
    other.#flush();
    this.#flush();
    this.#countPixels(other.#pixels);
    this.#shift = Math.max(this.#shift, other.#shift);
    this.#absorb(other.#tally);
  }

  result(): PixelAurocResult {
    this.#flush();
    const { keys, positives, negatives } = this.#tally;
    // Counts of pairs exceed 2^53 only past 9e15 pairs; relative rounding stays at 1e-16 a step.
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
      errorBound: this.#shift === 0 ? 0 : ties / 2 / pairs,
      ...precisionOf(this.#tally, this.#shift),
      positives: positivesBelow,
      negatives: negativesBelow,
    };
  }

  /** All that was seen, as plain JSON: about 16 characters for each different score. */
  toJSON(): PixelAurocState {
    this.#flush();
    return {
      maxDistinctScores: this.#maxDistinctScores,
      shift: this.#shift,
      keys: toBase64(this.#tally.keys),
      positives: toBase64(this.#tally.positives),
      negatives: toBase64(this.#tally.negatives),
    };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: PixelAurocState): PixelAurocAccumulator {
    const accumulator = new PixelAurocAccumulator(state);
    const [keys, positives, negatives] = [state.keys, state.positives, state.negatives].map(fromBase64) as [
      Uint32Array,
      Uint32Array,
      Uint32Array,
    ];
    const ascending = keys.every((key, i) => i === 0 || key > keys[i - 1]!);
    if (!ascending || positives.length !== keys.length || negatives.length !== keys.length) {
      throw new DskdError('invalid-argument', 'The saved state of a pixel AUROC is damaged.', {
        details: { keys: keys.length, positives: positives.length, negatives: negatives.length },
      });
    }
    accumulator.#shift = state.shift;
    accumulator.#tally = { keys, positives, negatives };
    for (const counts of [positives, negatives]) {
      accumulator.#countPixels(counts.reduce((sum, count) => sum + count, 0));
    }
    return accumulator;
  }

  #countPixels(added: number): void {
    if (this.#pixels + added > MAX_PIXELS) {
      throw new DskdError(
        'invalid-argument',
        `Got more than ${MAX_PIXELS} pixels; wanted at most that many.`,
      );
    }
    this.#pixels += added;
  }

  #flush(): void {
    for (const label of ['positives', 'negatives'] as const) {
      const parts = this.#waiting[label].splice(0);
      const keys = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let filled = 0;
      for (const part of parts) {
        keys.set(part, filled);
        filled += part.length;
      }
      if (filled > 0) this.#absorb(tallyOf(keys, label));
    }
    this.#waiting.length = 0;
  }

  #absorb(tally: Tally): void {
    this.#tally = mergeTallies(this.#tally, tally, this.#shift);
    while (this.#tally.keys.length > this.#maxDistinctScores) {
      this.#shift++;
      this.#tally = mergeTallies(this.#tally, EMPTY_TALLY, this.#shift);
    }
  }
}
