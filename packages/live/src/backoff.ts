/** Resolves after some milliseconds, or at once when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Waiting times between attempts, in milliseconds. */
export interface BackoffOptions {
  /** After the first failure. It doubles with each further one. */
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Waiting times that double while attempts fail. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The time to wait after one more failure, in milliseconds. */
  next(): number {
    const { firstMs, mostMs } = this.#options;
    return Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures++, 30));
  }

  reset(): void {
    this.#failures = 0;
  }
}
