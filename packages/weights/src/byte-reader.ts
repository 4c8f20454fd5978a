import { DskdError, type DskdErrorOptions } from '@dskd/base';

/**
 * Reads little-endian numbers and byte ranges from a file in memory. All methods that read throw a `weights-invalid`
 * error if too few bytes remain.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Offset in `bytes` of the next read. */
  position: number;
  readonly #view: DataView;
  readonly #format: string;

  /** @param format name of the expected format in error messages, for example `'PyTorch file'` */
  constructor(bytes: Uint8Array, format: string, position = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#format = format;
    this.position = position;
  }

  /** Returns a `weights-invalid` error about this file. */
  fail(problem: string, options?: DskdErrorOptions): DskdError {
    return invalidWeights(this.#format, problem, options);
  }

  get remaining(): number {
    return this.bytes.byteLength - this.position;
  }

  /** Skips `length` bytes and returns the offset of the first. */
  skip(length: number): number {
    if (!(length <= this.remaining)) {
      throw this.fail(
        `it ends too early: expected ${length} bytes at offset ${this.position}, got ${this.remaining}.`,
      );
    }
    const start = this.position;
    this.position += length;
    return start;
  }

  /** Returns the next `length` bytes as a view of `bytes`. */
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  uint8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  /**
   * Returns a number that is rounded above 2^53. As a length or an offset, it is then still beyond the end of the file.
   */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.skip(8), true));
  }

  bigEndianFloat64(): number {
    return this.#view.getFloat64(this.skip(8));
  }

  /** Decodes the next `length` bytes as UTF-8. */
  text(length: number): string {
    // Copied because a TextDecoder may reject shared memory.
    const bytes = new Uint8Array(this.take(length));
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw this.fail('it contains text that is not UTF-8.', { cause });
    }
  }
}

/** Longest problem in a message, in characters. A name in a hostile file can have megabytes. */
const MAX_PROBLEM = 600;

/** Returns a `weights-invalid` error about a file of the given format. */
export function invalidWeights(format: string, problem: string, options: DskdErrorOptions = {}): DskdError {
  const shown = problem.length > MAX_PROBLEM ? `${problem.slice(0, MAX_PROBLEM - 3)}...` : problem;
  return new DskdError('weights-invalid', `Not a valid ${format}: ${shown}`, {
    hint: 'The file may be truncated or have another format; download or convert it again.',
    ...options,
  });
}

/** Returns text from a file for use in a message: quoted, escaped as in JSON, truncated to 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
