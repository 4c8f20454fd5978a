import { base64, DskdError } from '@dskd/base';
import { orderedKey } from './ordered-keys.js';
import {
  countsOfKeys,
  MAX_SHIFT,
  PagedHistogram,
  ranksOfKeys,
  type BackgroundRanks,
  type Bins,
} from './paged-histogram.js';

/** The sum of two of these fits in 32 bits. */
const MAX_PIXELS = 2 ** 31 - 1;

/** Memory of a pixel metric for the scores of each class of pixels. */
export interface ScoreMemory {
  /**
   * Up to this many scores are kept individually, 4 bytes each. With more pixels, all are counted in bins.
   * Default 2^22.
   */
  readonly pixelsKeptExactly: number;
  /** Number of bins, 2 bytes each: a power of two from 2^14 to 2^28. Default 2^22. */
  readonly histogramBins: number;
}

export type ScoreMemoryOptions = Partial<ScoreMemory>;

/**
 * The checked options with defaults.
 * @throws {DskdError} `invalid-argument` for numbers out of range.
 */
export function scoreMemory({
  pixelsKeptExactly = 2 ** 22,
  histogramBins = 2 ** 22,
}: ScoreMemoryOptions): ScoreMemory {
  const wrong = (name: string, got: number, wanted: string): never => {
    throw new DskdError('invalid-argument', `Got ${name} ${got}; wanted ${wanted}.`, {
      details: { name, got },
    });
  };
  if (!Number.isInteger(pixelsKeptExactly) || pixelsKeptExactly < 0) {
    wrong('pixelsKeptExactly', pixelsKeptExactly, 'a whole number of pixels');
  }
  if (!Number.isInteger(Math.log2(histogramBins)) || histogramBins < 2 ** 14 || histogramBins > 2 ** 28) {
    wrong('histogramBins', histogramBins, 'a power of two from 2^14 to 2^28');
  }
  return { pixelsKeptExactly, histogramBins };
}

/** Base64 of the keys' bytes, little-endian on every machine that JavaScript engines run on. */
export function encodeKeys(keys: Uint32Array): string {
  return base64.encode(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength));
}

export function decodeKeys(text: string): Uint32Array {
  return new Uint32Array(base64.decode(text).buffer);
}

/** Base64 of little-endian uint32: the keys, ascending; or bins (see `Bins`), ascending, and their counts. */
export type PixelScoresState =
  | { readonly keys: string }
  | { readonly shift: number; readonly bins: string; readonly counts: string };

/** Scores of one class of pixels, in any order: two instances with the same scores are equal. */
export class PixelScores {
  readonly #memory: ScoreMemory;
  #pixels = 0;
  /** The scores kept individually, `pixels` of them; empty once there is a histogram. */
  #keys = new Uint32Array(0);
  #histogram: PagedHistogram | undefined;

  constructor(memory: ScoreMemory) {
    this.#memory = memory;
  }

  get pixels(): number {
    return this.#pixels;
  }

  /**
   * Adds finite scores as float32 bits, except where `excluded` is not 0.
   * @throws {DskdError} `invalid-argument` past 2^31 - 1 pixels; nothing is added then.
   */
  add(bits: Uint32Array, excluded?: Uint8Array): void {
    if (this.#histogram) {
      let added = bits.length;
      if (excluded) for (const entry of excluded) if (entry !== 0) added--;
      this.#reserve(added);
      this.#histogram.addScores(bits, excluded);
      return;
    }
    const keys = new Uint32Array(bits.length);
    let filled = 0;
    for (let i = 0; i < bits.length; i++) {
      if (excluded === undefined || excluded[i] === 0) keys[filled++] = orderedKey(bits[i]!);
    }
    this.addKeys(keys.subarray(0, filled));
  }

  /**
   * Adds scores as ordered keys. The keys are copied.
   * @throws {DskdError} as {@link add}
   */
  addKeys(keys: Uint32Array): void {
    const before = this.#reserve(keys.length);
    if (this.#histogram) this.#histogram.addKeys(keys);
    else this.#keys.set(keys, before);
  }

  /** @throws {DskdError} `invalid-argument` where there would be more than 2^31 - 1 pixels. */
  assertRoomFor(added: number): void {
    if (this.#pixels + added <= MAX_PIXELS) return;
    throw new DskdError(
      'invalid-argument',
      `Got more than ${MAX_PIXELS} pixels of one class; wanted at most that many.`,
    );
  }

  merge(other: PixelScores): void {
    if (other.#histogram) {
      const before = this.#reserve(other.#pixels);
      this.#toHistogram(before).addHistogram(other.#histogram);
    } else this.addKeys(other.#keys.subarray(0, other.#pixels));
  }

  /** How many scores have each key; or, past what is kept exactly, are in each bin. */
  counts(): Bins {
    return this.#histogram?.bins() ?? countsOfKeys(this.#keys.slice(0, this.#pixels));
  }

  toJSON(): PixelScoresState {
    if (!this.#histogram) return { keys: encodeKeys(this.#keys.slice(0, this.#pixels).sort()) };
    const { shift, bins, counts } = this.#histogram.bins();
    return { shift, bins: encodeKeys(bins), counts: encodeKeys(counts) };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: PixelScoresState, memory: ScoreMemory): PixelScores {
    const scores = new PixelScores(memory);
    if ('keys' in state) {
      scores.addKeys(decodeKeys(state.keys));
      return scores;
    }
    const [bins, counts] = [decodeKeys(state.bins), decodeKeys(state.counts)];
    const shifts = Number.isInteger(state.shift) && state.shift >= 0 && state.shift <= MAX_SHIFT;
    const fits = bins.every((bin, i) => bin < 2 ** (32 - state.shift) && (i === 0 || bin > bins[i - 1]!));
    if (!shifts || !fits || counts.length !== bins.length) {
      throw new DskdError('invalid-argument', 'The saved scores of a pixel metric are damaged.', {
        details: { shift: state.shift, bins: bins.length, counts: counts.length },
      });
    }
    scores.#addBins({ shift: state.shift, bins, counts });
    return scores;
  }

  /** Counts over the scores of all `parts`. Exact (shift 0) while every part keeps its scores individually. */
  static ranks(parts: readonly PixelScores[], { histogramBins }: ScoreMemory): BackgroundRanks {
    const pixels = parts.reduce((sum, part) => sum + part.#pixels, 0);
    if (parts.every((part) => part.#histogram === undefined)) {
      const keys = new Uint32Array(pixels);
      let filled = 0;
      for (const part of parts) {
        keys.set(part.#keys.subarray(0, part.#pixels), filled);
        filled += part.#pixels;
      }
      return ranksOfKeys(keys);
    }
    const all = new PagedHistogram(histogramBins);
    for (const part of parts) {
      if (part.#histogram) all.addHistogram(part.#histogram);
      else all.addKeys(part.#keys.subarray(0, part.#pixels));
    }
    return all.ranks();
  }

  #addBins(bins: Bins): void {
    let pixels = 0;
    for (const count of bins.counts) pixels += count;
    const before = this.#reserve(pixels);
    this.#toHistogram(before).addBins(bins);
  }

  /** Counts `added` pixels and allocates memory for them. Returns the previous number of pixels. */
  #reserve(added: number): number {
    this.assertRoomFor(added);
    const before = this.#pixels;
    const pixels = before + added;
    this.#pixels = pixels;
    if (pixels > this.#memory.pixelsKeptExactly) this.#toHistogram(before);
    else if (pixels > this.#keys.length && !this.#histogram) {
      const longer = Math.min(Math.max(pixels, 2 * this.#keys.length), this.#memory.pixelsKeptExactly);
      const keys = new Uint32Array(longer);
      keys.set(this.#keys.subarray(0, before));
      this.#keys = keys;
    }
    return before;
  }

  #toHistogram(kept: number): PagedHistogram {
    if (!this.#histogram) {
      this.#histogram = new PagedHistogram(this.#memory.histogramBins);
      this.#histogram.addKeys(this.#keys.subarray(0, kept));
      this.#keys = new Uint32Array(0);
    }
    return this.#histogram;
  }
}
