import { DskdError } from '@dskd/base';

/** Longest head of a part. */
const HEAD_BYTES = 8192;
const CRLF = '\r\n';

function broken(why: string): DskdError {
  return new DskdError('source-failed', `The stream of images cannot be read: ${why}.`, {
    hint: 'Wanted multipart/x-mixed-replace with a JPEG or PNG in each part.',
  });
}

/**
 * The boundary that a header names.
 * @throws {DskdError} `source-failed` where it is of another type.
 */
export function boundaryOf(contentType: string | null): string {
  const [, quoted, plain] =
    /^multipart\/x-mixed-replace\s*;.*?boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary !== undefined) return boundary;
  throw broken(`it is of the type ${contentType ?? 'nothing'}`);
}

/** Bytes that come in pieces, of which the beginning is taken as soon as it is there. */
class Incoming {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns whether there was one more piece. Pieces are joined at least by doubling, so that a large part is not copied for each. */
  async #more(atLeast = 1): Promise<boolean> {
    const pieces: Uint8Array[] = [this.#bytes];
    let missing = Math.max(atLeast, this.#bytes.length);
    while (missing > 0) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      pieces.push(next.value);
      missing -= next.value.length;
      // A search ends as soon as it can.
      if (atLeast === 1) break;
    }
    if (pieces.length > 1) this.#bytes = Buffer.concat(pieces);
    return pieces.length > 1;
  }

  /** @returns `length` bytes, or undefined where the stream ends before. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.#bytes.length < length)
      if (!(await this.#more(length - this.#bytes.length))) return undefined;
    const taken = new Uint8Array(this.#bytes.subarray(0, length));
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  /**
   * @returns what comes before `mark`, which is passed over; undefined where the stream ends before.
   * @throws {DskdError} `source-failed` where there is no mark in `most` bytes.
   */
  async takeUntil(mark: string, most: number, what: string): Promise<Uint8Array | undefined> {
    let searched = 0;
    for (;;) {
      const at = this.#bytes.indexOf(mark, searched, 'latin1');
      if (at >= 0) {
        const taken = await this.take(at);
        await this.take(mark.length);
        return taken;
      }
      if (this.#bytes.length > most) throw broken(`${what} is longer than ${most} bytes`);
      searched = Math.max(0, this.#bytes.length - mark.length + 1);
      if (!(await this.#more())) return undefined;
    }
  }
}

/**
 * The parts of a body of the type `multipart/x-mixed-replace`. With `Content-Length` a part is there as soon as its last byte is,
 * otherwise when the next one begins. A part that is cut off at the end is left out.
 * @param boundary as the header names it. Some cameras name it with the dashes that come before it; both forms are read.
 * @param maxBytes of a part.
 * @throws {DskdError} `source-failed`
 */
export async function* multipartFrames(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const incoming = new Incoming(chunks);
  // Both forms end with it.
  const name = boundary.replace(/^--/, '');
  if (!(await incoming.takeUntil(`--${name}`, HEAD_BYTES, 'what comes before the first part'))) return;
  for (;;) {
    const head = await incoming.takeUntil(`${CRLF}${CRLF}`, HEAD_BYTES, 'the head of a part');
    if (!head) return;
    const text = Buffer.from(head).toString('latin1');
    if (text.startsWith('--')) return;
    const length = /^content-length:\s*(\d+)\s*$/im.exec(text)?.[1];
    if (length !== undefined && Number(length) > maxBytes)
      throw broken(`a part has ${length} bytes, wanted at most ${maxBytes}`);
    const body = length === undefined ? undefined : await incoming.take(Number(length));
    if (length !== undefined && !body) return;
    if (body) yield body;
    const rest = await incoming.takeUntil(
      `--${name}`,
      length === undefined ? maxBytes : HEAD_BYTES,
      'a part',
    );
    if (!rest) return;
    if (!body) yield withoutLineEnd(rest);
  }
}

const [DASH, LF, CR] = [0x2d, 0x0a, 0x0d];

/** Before a boundary is an end of line, and in the longer form two more dashes. */
function withoutLineEnd(part: Uint8Array): Uint8Array {
  let end = part.length;
  while (part[end - 1] === DASH) end--;
  if (part[end - 1] === LF) end--;
  if (part[end - 1] === CR) end--;
  return part.subarray(0, end);
}
