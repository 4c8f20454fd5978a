import type { BackgroundRanks } from './background-ranks.js';

/** Bins that are allocated together. A power of two. */
const PAGE_BITS = 13;
const PAGE = 2 ** PAGE_BITS;
/** Then there are two pages, and always room for them. */
export const MAX_SHIFT = 31 - PAGE_BITS;

/** The bins that are not empty: parallel arrays, bins ascending. Bin `b` holds the keys `k` with `k >>> shift == b`. */
export interface Bins {
  readonly shift: number;
  readonly bins: Uint32Array;
  readonly counts: Uint32Array;
}

/** The distinct ones of `keys`, which are sorted in place. Exact. */
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
 * How many scores have each key (see `orderedKey`), or each run of `2 ** shift` neighboring keys.
 *
 * Only pages of bins that hold something take memory, so that scores of a few octaves, as all maps have, are kept
 * apart to the last bit or nearly so. When `maxBins` do not suffice, pairs of neighboring bins are joined. As all
 * bins of width `2 ** shift` number `2 ** (32 - shift)`, 2^b bins never do worse than a histogram over the upper b
 * bits; over scores of at most 128 octaves (2^30 keys) they do as well as one over b + 2, over 8 octaves b + 6. The
 * final shift depends on the scores alone, not on their order: it is the least one whose pages fit.
 */
export class PagedHistogram {
  readonly #maxPages: number;
  #shift = 0;
  #pages = 0;
  /** Of each page its place among the allocated ones, or -1. */
  #slots = new Int32Array(2 ** (32 - PAGE_BITS)).fill(-1);
  // Whole from the start: operating systems back it with memory as it is touched.
  #counts: Uint32Array<ArrayBuffer>;

  /** @param maxBins a power of two, at least 2^14. */
  constructor(maxBins: number) {
    this.#maxPages = maxBins / PAGE;
    this.#counts = new Uint32Array(maxBins);
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

  addBins({ shift, bins, counts }: Bins): void {
    // Then each of the other's bins falls into one of ours.
    while (this.#shift < shift) this.#coarsen();
    for (let i = 0; i < bins.length; i++) this.#addCount(bins[i]! * 2 ** shift, counts[i]!);
  }

  bins(): Bins {
    let length = 0;
    for (const count of this.#counts.subarray(0, this.#pages * PAGE)) if (count > 0) length++;
    const bins = new Uint32Array(length);
    const counts = new Uint32Array(length);
    let filled = 0;
    for (let page = 0; page < this.#slots.length; page++) {
      const slot = this.#slots[page]!;
      if (slot < 0) continue;
      for (let i = 0; i < PAGE; i++) {
        const count = this.#counts[slot * PAGE + i]!;
        if (count === 0) continue;
        bins[filled] = page * PAGE + i;
        counts[filled++] = count;
      }
    }
    return { shift: this.#shift, bins, counts };
  }

  /** Turns the counts into sums from the top in place. The histogram cannot be added to any more. */
  intoRanks(): BackgroundRanks {
    const slots = this.#slots;
    const sums = this.#counts;
    // Of each page how many scores are in it and above; one more for the end.
    const pageSums = new Uint32Array(slots.length + 1);
    let sum = 0;
    for (let page = slots.length - 1; page >= 0; page--) {
      const slot = slots[page]!;
      for (let i = PAGE - 1; slot >= 0 && i >= 0; i--) {
        sum += sums[slot * PAGE + i]!;
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

  /** Counts keys from index `start` until one whose page is missing. Returns its index. */
  #addFrom(start: number, keys: Uint32Array): number {
    const slots = this.#slots;
    const counts = this.#counts;
    const shift = this.#shift;
    const pageShift = shift + PAGE_BITS;
    for (let i = start; i < keys.length; i++) {
      const key = keys[i]!;
      const slot = slots[key >>> pageShift]!;
      if (slot < 0) return i;
      counts[(slot << PAGE_BITS) | ((key >>> shift) & (PAGE - 1))]!++;
    }
    return keys.length;
  }

  #addCount(key: number, count: number): void {
    while (this.#slots[key >>> (this.#shift + PAGE_BITS)]! < 0) this.#openPage(key);
    const slot = this.#slots[key >>> (this.#shift + PAGE_BITS)]!;
    this.#counts[slot * PAGE + ((key >>> this.#shift) & (PAGE - 1))]! += count;
  }

  /** Makes room for `key`, or joins bins, after which there may be room. */
  #openPage(key: number): void {
    if (this.#pages === this.#maxPages) this.#coarsen();
    else this.#slots[key >>> (this.#shift + PAGE_BITS)] = this.#pages++;
  }

  #coarsen(): void {
    const [oldSlots, oldCounts] = [this.#slots, this.#counts];
    const slots = new Int32Array(oldSlots.length / 2).fill(-1);
    const counts = new Uint32Array(oldCounts.length);
    let pages = 0;
    for (let page = 0; page < oldSlots.length; page++) {
      const from = oldSlots[page]! * PAGE;
      if (from < 0) continue;
      const half = page >>> 1;
      if (slots[half]! < 0) slots[half] = pages++;
      const to = slots[half]! * PAGE + (page & 1) * (PAGE / 2);
      for (let i = 0; i < PAGE / 2; i++) {
        counts[to + i] = oldCounts[from + 2 * i]! + oldCounts[from + 2 * i + 1]!;
      }
    }
    this.#slots = slots;
    this.#counts = counts;
    this.#pages = pages;
    this.#shift++;
  }
}
