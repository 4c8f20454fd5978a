import { throwIfAborted } from '@dskd/base';

const BLOCK_MS = 10;

/** Tells a long loop when to let others run. */
export class Pacer {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  /** @throws {DskdError} `aborted` if `signal` was aborted. */
  constructor(signal?: AbortSignal) {
    throwIfAborted(signal);
    this.#signal = signal;
  }

  /** Whether the loop has run for long enough. */
  get isDue(): boolean {
    return performance.now() - this.#since > BLOCK_MS;
  }

  /**
   * Lets the event loop run.
   * @throws {DskdError} `aborted`
   */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      // A timer of Node waits a millisecond at least: a tenth of the time, in a long loop.
      if (typeof setImmediate === 'function') setImmediate(resolve);
      else setTimeout(resolve);
    });
    throwIfAborted(this.#signal);
    this.#since = performance.now();
  }
}
