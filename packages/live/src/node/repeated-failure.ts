/** A failure that goes on is told again after so long, in milliseconds. */
const AGAIN_MS = 300_000;

/** Decides which of many failures of one thing are told: the first, another one, and every few minutes that it goes on. */
export class RepeatedFailure {
  #last: string | undefined;
  #toldAt = 0;
  #untold = 0;

  /**
   * A failure has come.
   * @param now milliseconds.
   * @returns where it is to be told, how many have not been told before it; otherwise undefined.
   */
  next(message: string, now: number): number | undefined {
    if (message === this.#last && now - this.#toldAt < AGAIN_MS) {
      this.#untold++;
      return undefined;
    }
    const untold = this.#untold;
    this.#last = message;
    this.#toldAt = now;
    this.#untold = 0;
    return untold;
  }

  /** It works again. */
  reset(): void {
    this.#last = undefined;
    this.#untold = 0;
  }
}
