import { orderedKey } from './ordered-keys.js';
import { NarrowCounts } from './narrow-counts.js';

/**
 * Counts of background (defect-free) pixels by score. Scores are grouped by bin, `key >>> shift` (see `orderedKey`);
 * with shift 0 a bin is one float32 value.
 */
export interface BackgroundRanks {
  readonly pixels: number;
  readonly shift: number;
  /** Number of pixels in `bin`, 0 to `2 ** (32 - shift)`, and in higher bins. */
  readonly atOrAbove: (bin: number) => number;
}

/** Index of the first of the ascending `keys` that is at least `key`; `keys.length` if there is none. */
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

/** Exact counts of `keys`, which are sorted in place. */
export function ranksOfKeys(keys: Uint32Array): BackgroundRanks {
  keys.sort();
  return { pixels: keys.length, shift: 0, atOrAbove: (key) => keys.length - lowerBound(keys, key) };
}

/** Number of bins that are allocated together: a power of two. */
const PAGE_BITS = 13;
const PAGE = 2 ** PAGE_BITS;
/** With this shift there are two pages, which always fit. */
export const MAX_SHIFT = 31 - PAGE_BITS;

/** The non-empty bins: parallel arrays, bins ascending. Bin `b` holds the keys `k` with `k >>> shift == b`. */
export interface Bins {
  readonly shift: number;
  readonly bins: Uint32Array;
  readonly counts: Uint32Array;
}

/** Exact counts of the distinct `keys`, which are sorted in place. */
export function countsOfKeys(keys: Uint32Array): Bins {
  keys.sort();
  const bins = new Uint32Array(keys.length);
  const counts = new Uint32Array(keys.length);
  let length = 0;
  for (let i = 0; i < keys.length; i++) {
    if (i === 0 || keys[i] !== keys[i - 1]) bins[length++] = keys[i]!;
    counts[length - 1]!++;
  }
  return { shift: 0, bins: bins.slice(0, length), counts: counts.slice(0, length) };
}

/**
 * Number of scores with each key (see `orderedKey`), or in each run of `2 ** shift` neighboring keys.
 *
 * Only pages with non-empty bins take memory. Scores of a few octaves, as in usual maps, are therefore separated to
 * the last bit or nearly so. When `maxBins` bins do not suffice, pairs of neighboring bins are merged. 2^b bins are at
 * least as fine as a histogram over the upper b bits of the key; for scores of at most 128 octaves (2^30 keys) as one
 * over the upper b + 2 bits, for 8 octaves b + 6. The final shift depends on the scores only, not on their order: it is
 * the smallest whose pages fit.
 */
export class PagedHistogram {
  readonly #maxPages: number;
  #shift = 0;
  #pages = 0;
  /** The index of each page among the allocated pages, or -1. */
  #slots = new Int32Array(2 ** (32 - PAGE_BITS)).fill(-1);
  // Allocated at once: operating systems commit the memory when it is first written.
  #counts: NarrowCounts;

  /** @param maxBins a power of two, at least 2^14. */
  constructor(maxBins: number) {
    this.#maxPages = maxBins / PAGE;
    this.#counts = new NarrowCounts(maxBins);
  }

  /** Every bin holds `2 ** shift` keys. */
  get shift(): number {
    return this.#shift;
  }

  addKeys(keys: Uint32Array): void {
    for (let next = this.#addFrom(0, keys); next < keys.length; next = this.#addFrom(next, keys)) {
      this.#openPage(keys[next]!);
    }
  }

  /** Adds the keys of scores as float32 bits, except where `excluded` is not 0. */
  addScores(bits: Uint32Array, excluded: Uint8Array | undefined): void {
    const add = (from: number): number => this.#addScoresFrom(from, bits, excluded);
    for (let next = add(0); next < bits.length; next = add(next)) this.#openPage(orderedKey(bits[next]!));
  }

  /** Adds the counts of another histogram, which does not change. */
  addHistogram(other: PagedHistogram): void {
    while (this.#shift < other.#shift) this.#coarsen();
    for (let page = 0; page < other.#slots.length; page++) {
      if (other.#slots[page]! < 0) continue;
      const from = other.#slots[page]! * PAGE;
      const key = page * PAGE * 2 ** other.#shift;
      while (this.#slots[key >>> (this.#shift + PAGE_BITS)]! < 0) this.#openPage(key);
      // Where the page begins here; so many of its bins are one here.
      const to =
        this.#slots[key >>> (this.#shift + PAGE_BITS)]! * PAGE + ((key >>> this.#shift) & (PAGE - 1));
      const coarser = this.#shift - other.#shift;
      for (let i = 0; i < PAGE; i++) {
        const count = other.#counts.at(from + i);
        if (count > 0) this.#counts.add(to + (i >>> coarser), count);
      }
    }
  }

  addBins({ shift, bins, counts }: Bins): void {
    // Now each of the other's bins lies within one of ours.
    while (this.#shift < shift) this.#coarsen();
    for (let i = 0; i < bins.length; i++) this.#addCount(bins[i]! * 2 ** shift, counts[i]!);
  }

  bins(): Bins {
    let length = 0;
    for (let i = 0; i < this.#pages * PAGE; i++) if (this.#counts.at(i) > 0) length++;
    const bins = new Uint32Array(length);
    const counts = new Uint32Array(length);
    let filled = 0;
    for (let page = 0; page < this.#slots.length; page++) {
      const slot = this.#slots[page]!;
      if (slot < 0) continue;
      for (let i = 0; i < PAGE; i++) {
        const count = this.#counts.at(slot * PAGE + i);
        if (count === 0) continue;
        bins[filled] = page * PAGE + i;
        counts[filled++] = count;
      }
    }
    return { shift: this.#shift, bins, counts };
  }

  /** Sums from the highest bin. */
  ranks(): BackgroundRanks {
    const slots = this.#slots.slice();
    const counts = this.#counts;
    const sums = new Uint32Array(this.#pages * PAGE);
    // Number of scores in each page and above; one more for the end.
    const pageSums = new Uint32Array(slots.length + 1);
    let sum = 0;
    for (let page = slots.length - 1; page >= 0; page--) {
      const slot = slots[page]!;
      for (let i = PAGE - 1; slot >= 0 && i >= 0; i--) {
        sum += counts.at(slot * PAGE + i);
        sums[slot * PAGE + i] = sum;
      }
      pageSums[page] = sum;
    }
    return {
      pixels: sum,
      shift: this.#shift,
      atOrAbove: (bin) => {
        const page = Math.floor(bin / PAGE);
        const slot = slots[page] ?? -1;
        return slot < 0 ? pageSums[page]! : sums[slot * PAGE + (bin & (PAGE - 1))]!;
      },
    };
  }

  /** Counts keys from index `start` up to the first whose page is missing. Returns that index. */
  #addFrom(start: number, keys: Uint32Array): number {
    const slots = this.#slots;
    const { low } = this.#counts;
    const shift = this.#shift;
    const pageShift = shift + PAGE_BITS;
    for (let i = start; i < keys.length; i++) {
      const key = keys[i]!;
      const slot = slots[key >>> pageShift]!;
      if (slot < 0) return i;
      const at = (slot << PAGE_BITS) | ((key >>> shift) & (PAGE - 1));
      low[at]!++;
      if (low[at] === 0) this.#counts.carry(at);
    }
    return keys.length;
  }

  /** As {@link PagedHistogram.#addFrom}, without an array of keys between, which would take a third of the time. */
  #addScoresFrom(start: number, bits: Uint32Array, excluded: Uint8Array | undefined): number {
    const slots = this.#slots;
    const { low } = this.#counts;
    const shift = this.#shift;
    const pageShift = shift + PAGE_BITS;
    for (let i = start; i < bits.length; i++) {
      if (excluded !== undefined && excluded[i] !== 0) continue;
      const key = orderedKey(bits[i]!);
      const slot = slots[key >>> pageShift]!;
      if (slot < 0) return i;
      const at = (slot << PAGE_BITS) | ((key >>> shift) & (PAGE - 1));
      low[at]!++;
      if (low[at] === 0) this.#counts.carry(at);
    }
    return bits.length;
  }

  #addCount(key: number, count: number): void {
    while (this.#slots[key >>> (this.#shift + PAGE_BITS)]! < 0) this.#openPage(key);
    const slot = this.#slots[key >>> (this.#shift + PAGE_BITS)]!;
    this.#counts.add(slot * PAGE + ((key >>> this.#shift) & (PAGE - 1)), count);
  }

  /** Allocates the page of `key`, or merges bins when no page is free (the caller tries again). */
  #openPage(key: number): void {
    if (this.#pages === this.#maxPages) this.#coarsen();
    else this.#slots[key >>> (this.#shift + PAGE_BITS)] = this.#pages++;
  }

  #coarsen(): void {
    const [oldSlots, oldCounts] = [this.#slots, this.#counts];
    const slots = new Int32Array(oldSlots.length / 2).fill(-1);
    const counts = new NarrowCounts(oldCounts.low.length);
    let pages = 0;
    for (let page = 0; page < oldSlots.length; page++) {
      const from = oldSlots[page]! * PAGE;
      if (from < 0) continue;
      const half = page >>> 1;
      if (slots[half]! < 0) slots[half] = pages++;
      const to = slots[half]! * PAGE + (page & 1) * (PAGE / 2);
      for (let i = 0; i < PAGE / 2; i++) {
        const count = oldCounts.at(from + 2 * i) + oldCounts.at(from + 2 * i + 1);
        if (count > 0) counts.add(to + i, count);
      }
    }
    this.#slots = slots;
    this.#counts = counts;
    this.#pages = pages;
    this.#shift++;
  }
}
