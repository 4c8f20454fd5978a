import { DskdError } from '@dskd/base';

/** 2 GiB: four times the largest backbone in use. */
export const DEFAULT_MAX_BYTES = 2 ** 31;

/** Counts the memory that one call to a reader holds: decoded tensors and whatever it had to inflate. */
export class MemoryLimit {
  readonly maxBytes: number;
  #held = 0;

  /** @throws {DskdError} `invalid-argument` for a limit that is negative or no number. */
  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    if (!(maxBytes >= 0)) {
      throw new DskdError(
        'invalid-argument',
        `Got maxBytes ${maxBytes}; wanted a number of bytes, 0 or more.`,
      );
    }
    this.maxBytes = maxBytes;
  }

  /** @throws {DskdError} `weights-too-large` where `bytes` more would exceed the limit. */
  check(bytes: number): void {
    const wanted = this.#held + bytes;
    if (wanted <= this.maxBytes) return;
    throw new DskdError(
      'weights-too-large',
      `The file needs ${wanted} bytes of memory; at most ${this.maxBytes} are allowed.`,
      {
        hint: 'Pass a larger maxBytes if you trust where the file comes from.',
        details: { wanted, maxBytes: this.maxBytes },
      },
    );
  }

  /** New memory within the limit. */
  allocate(bytes: number): Uint8Array<ArrayBuffer> {
    this.check(bytes);
    let memory: Uint8Array<ArrayBuffer>;
    try {
      memory = new Uint8Array(bytes);
    } catch (cause) {
      throw new DskdError('out-of-memory', `No ${bytes} bytes of memory for the weights could be had.`, {
        hint: 'Close other programs, or use a smaller model.',
        cause,
      });
    }
    this.#held += bytes;
    return memory;
  }

  /** Memory from `allocate` that nothing refers to any more. */
  release(bytes: number): void {
    this.#held -= bytes;
  }
}
