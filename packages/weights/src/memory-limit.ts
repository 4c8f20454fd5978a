import { DskdError } from '@dskd/base';

/** 2 GiB, four times the size of the largest supported backbone. */
export const DEFAULT_MAX_BYTES = 2 ** 31;

/** Counts the bytes that one call of a reader allocates for decoded tensors and inflated data, up to a limit. */
export class MemoryLimit {
  readonly maxBytes: number;
  #held = 0;

  /** @throws {DskdError} `invalid-argument` for a limit that is negative or NaN */
  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    if (!(maxBytes >= 0)) {
      throw new DskdError(
        'invalid-argument',
        `Got maxBytes ${maxBytes}; expected a number of bytes, 0 or more.`,
      );
    }
    this.maxBytes = maxBytes;
  }

  /** @throws {DskdError} `weights-too-large` if `bytes` more would exceed the limit */
  check(bytes: number): void {
    const wanted = this.#held + bytes;
    if (wanted <= this.maxBytes) return;
    throw new DskdError(
      'weights-too-large',
      `The file needs ${wanted} bytes of memory; the limit is ${this.maxBytes}.`,
      {
        hint: 'Set a larger maxBytes if you trust the source of the file.',
        details: { wanted, maxBytes: this.maxBytes },
      },
    );
  }

  /**
   * Returns zeroed memory of `bytes` bytes.
   * @throws {DskdError} `weights-too-large` above the limit; `out-of-memory`
   */
  allocate(bytes: number): Uint8Array<ArrayBuffer> {
    this.check(bytes);
    let memory: Uint8Array<ArrayBuffer>;
    try {
      memory = new Uint8Array(bytes);
    } catch (cause) {
      throw new DskdError('out-of-memory', `Cannot allocate ${bytes} bytes for the weights.`, {
        hint: 'Close other programs, or use a smaller model.',
        cause,
      });
    }
    this.#held += bytes;
    return memory;
  }

  /** Subtracts `bytes` of memory from `allocate` that are no longer used. */
  release(bytes: number): void {
    this.#held -= bytes;
  }
}
