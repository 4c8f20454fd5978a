/** How often something happened, and how long it took. */
interface Tally {
  readonly count: number;
  /** Nanoseconds in all. */
  readonly ns: number;
}

/** What a version has done since it was loaded, as the statistics extension of the inference protocol counts it. */
export class Statistics {
  #requests = 0;
  #images = 0;
  /** Milliseconds since 1970. */
  #last = 0;
  readonly #tallies = { success: [0, 0] as [number, number], fail: [0, 0] as [number, number] };

  /** @param seconds from the last byte of the request to its result. */
  count(outcome: 'success' | 'fail', images: number, seconds: number): void {
    const tally = this.#tallies[outcome];
    tally[0]++;
    tally[1] += Math.round(seconds * 1e9);
    if (outcome === 'fail') return;
    this.#requests++;
    this.#images += images;
    this.#last = Date.now();
  }

  get summary(): {
    readonly requests: number;
    readonly images: number;
    readonly last: number;
    readonly success: Tally;
    readonly fail: Tally;
  } {
    const tally = ([count, ns]: readonly [number, number]): Tally => ({ count, ns });
    return {
      requests: this.#requests,
      images: this.#images,
      last: this.#last,
      success: tally(this.#tallies.success),
      fail: tally(this.#tallies.fail),
    };
  }
}
