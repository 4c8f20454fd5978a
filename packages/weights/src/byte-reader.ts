import { DskdError, type DskdErrorOptions } from '@dskd/base';

/** Reads little-endian numbers and runs of bytes; past the end it throws instead. */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Where in `bytes` the next read starts. */
  position: number;
  readonly #view: DataView;
  readonly #format: string;

  /** @param format what the file should be, for messages: `'PyTorch file'` */
  constructor(bytes: Uint8Array, format: string, position = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#format = format;
    this.position = position;
  }

  fail(problem: string, options?: DskdErrorOptions): DskdError {
    return invalidWeights(this.#format, problem, options);
  }

  get remaining(): number {
    return this.bytes.byteLength - this.position;
  }

  /** Start of the next `length` bytes, which are passed over. */
  skip(length: number): number {
    if (!(length <= this.remaining)) {
      throw this.fail(
        `${length} bytes are wanted at byte ${this.position}, and only ${this.remaining} are left.`,
      );
    }
    const start = this.position;
    this.position += length;
    return start;
  }

  /** A view, not a copy. */
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

  /** Rounded above 2^53: larger than any file, so that it still fails where it is used as a length. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.skip(8), true));
  }

  bigEndianFloat64(): number {
    return this.#view.getFloat64(this.skip(8));
  }

  /** The next `length` bytes as UTF-8. */
  text(length: number): string {
    // A copy: a TextDecoder need not take shared memory.
    const bytes = new Uint8Array(this.take(length));
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw this.fail('it has text that is not UTF-8.', { cause });
    }
  }
}

/** A hostile file can put megabytes into a message. */
const MAX_PROBLEM = 600;

/** A `weights-invalid` error about a file of the given format. */
export function invalidWeights(format: string, problem: string, options: DskdErrorOptions = {}): DskdError {
  const said = problem.length > MAX_PROBLEM ? `${problem.slice(0, MAX_PROBLEM - 3)}...` : problem;
  return new DskdError('weights-invalid', `Not a valid ${format}: ${said}`, {
    hint: 'The file may be truncated or of another format; fetch or convert it again.',
    ...options,
  });
}

/** Text out of a file, fit for a message: quoted, control characters escaped, at most 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
