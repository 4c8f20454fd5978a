import { DskdError } from '@dskd/base';
import { orderedKey } from './ordered-keys.js';
import {
  PixelScores,
  scoreMemory,
  type PixelScoresState,
  type ScoreMemory,
  type ScoreMemoryOptions,
} from './pixel-scores.js';
import { tallyOf } from './tally.js';
import { precisionOf, type PixelPrecision } from './tally-metrics.js';

/** One image. */
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

export interface PixelAurocState extends ScoreMemory {
  readonly positives: PixelScoresState;
  readonly negatives: PixelScoresState;
}

/** All ones in infinities and NaN. */
const EXPONENT = 0x7f800000;

/**
 * AUROC, average precision and F1-max over all pixels of all images, an image at a time, in bounded memory.
 *
 * Exact (ties one half) while the normal pixels and the anomalous ones number at most `pixelsKeptExactly` each. Past
 * that scores are counted in `histogramBins` bins, as narrow as the scores allow, and those in one bin count as tied.
 * Pairs of pixels within one bin are the only ones that can be misjudged, by one half at most, so the error is at most
 * the sum over mixed bins of positives times negatives, over twice the number of pairs; `result()` reports that sum,
 * and bounds of the others.
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
   * score that is not finite, or past 2^31 - 1 pixels of one kind. Nothing is added then.
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
    this.#positives.assertRoomFor(positiveCount);
    this.#negatives.assertRoomFor(negativeCount);
    this.#positives.addKeys(positives.subarray(0, positiveCount));
    this.#negatives.addKeys(negatives.subarray(0, negativeCount));
  }

  /** Adds all that `other` has seen. `other` stays as it is. */
  merge(other: PixelMetricsAccumulator): void {
    this.#positives.merge(other.#positives);
    this.#negatives.merge(other.#negatives);
  }

  /** Can be called at any time, and again after more images. */
  result(): PixelAurocResult {
    const tally = tallyOf(this.#positives.counts(), this.#negatives.counts());
    const { shift, keys, positives, negatives } = tally;
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
      errorBound: shift === 0 ? 0 : ties / 2 / pairs,
      ...precisionOf(tally),
      positives: positivesBelow,
      negatives: negativesBelow,
    };
  }

  /** All that was seen, as plain JSON. */
  toJSON(): PixelAurocState {
    return {
      ...this.#memory,
      positives: this.#positives.toJSON(),
      negatives: this.#negatives.toJSON(),
    };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: PixelAurocState): PixelMetricsAccumulator {
    const accumulator = new PixelMetricsAccumulator(state);
    accumulator.#positives.merge(PixelScores.fromJSON(state.positives, accumulator.#memory));
    accumulator.#negatives.merge(PixelScores.fromJSON(state.negatives, accumulator.#memory));
    return accumulator;
  }
}
