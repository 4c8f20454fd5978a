import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { DskdError } from '@dskd/base';

export interface UploadLimits {
  /** Most bytes of a body, also after it is unpacked. */
  readonly maxBody: number;
  /** Most bodies that are read at a time. */
  readonly uploads: number;
  /** Longest time for a body to arrive, in milliseconds. */
  readonly uploadTimeout: number;
}

/** A body that is older gives its place to a new one where there are no more. */
const OLD_MS = 1000;

const unpackers = { gzip: promisify(gunzip), deflate: promisify(inflate) };

function tooLarge(most: number): DskdError {
  return new DskdError('too-large', `The body of the request has more than ${most} bytes.`, {
    hint: 'Send a smaller image, or fewer of them.',
    details: { most },
  });
}

function slow(message: string): DskdError {
  return new DskdError('timed-out', message, {
    hint: 'Send the request again over a faster connection.',
    details: { part: 'body' },
  });
}

interface Upload {
  readonly since: number;
  readonly stop: AbortController;
}

/**
 * Reads the bodies of requests, within limits. While a body arrives it has no place among the images that are scored: slow clients
 * take places from each other only.
 */
export class Uploads {
  readonly #limits: UploadLimits;
  /** The oldest first. */
  readonly #uploads = new Set<Upload>();

  constructor(limits: UploadLimits) {
    this.#limits = limits;
  }

  /** Bodies that are being read. */
  get size(): number {
    return this.#uploads.size;
  }

  /**
   * Reads a body, unpacks it if it is packed, and gives it to `parse`, which may read more from elsewhere.
   * @param signal ends the reading: the client has gone. `parse` is given one that also ends it.
   * @throws {DskdError} `too-large`, `timed-out`, `queue-full`, `invalid-argument` (the encoding), `aborted`; and of `parse`.
   */
  async read<T>(
    request: Request,
    signal: AbortSignal,
    parse: (bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { maxBody, uploadTimeout } = this.#limits;
    const encoding = encodingOf(request);
    // Before anything is read.
    if (Number(request.headers.get('content-length') ?? 0) > maxBody) throw tooLarge(maxBody);
    const upload = this.#enter();
    const timer = setTimeout(
      () => upload.stop.abort(slow(`The body did not arrive within ${uploadTimeout / 1000} seconds.`)),
      uploadTimeout,
    );
    const gone = (): void =>
      upload.stop.abort(new DskdError('aborted', 'The client has gone.', { cause: signal.reason }));
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    try {
      const bytes = request.body
        ? await readAll(request.body, maxBody, upload.stop.signal)
        : new Uint8Array();
      const content = encoding === undefined ? bytes : await unpacked(bytes, encoding, maxBody);
      return await parse(content, upload.stop.signal);
    } catch (error) {
      // Why it was ended, not what the end caused.
      upload.stop.signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
      this.#uploads.delete(upload);
    }
  }

  /** @throws {DskdError} `queue-full` */
  #enter(): Upload {
    if (this.#uploads.size >= this.#limits.uploads) {
      const [oldest] = this.#uploads;
      if (!oldest || performance.now() - oldest.since < OLD_MS) {
        throw new DskdError(
          'queue-full',
          `The bodies of ${this.#uploads.size} requests are being read; more may not.`,
          {
            hint: 'Send the request again after the seconds that Retry-After names.',
            details: { uploads: this.#limits.uploads },
          },
        );
      }
      this.#uploads.delete(oldest);
      oldest.stop.abort(slow('The body arrived too slowly while others waited.'));
    }
    const upload: Upload = { since: performance.now(), stop: new AbortController() };
    this.#uploads.add(upload);
    return upload;
  }
}

function encodingOf({ headers }: Request): 'gzip' | 'deflate' | undefined {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return undefined;
  if (encoding === 'gzip' || encoding === 'deflate') return encoding;
  throw new DskdError(
    'invalid-argument',
    `Got a body with the encoding ${JSON.stringify(encoding.slice(0, 50))}, wanted gzip, deflate or none.`,
  );
}

async function unpacked(
  bytes: Uint8Array<ArrayBuffer>,
  encoding: 'gzip' | 'deflate',
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await unpackers[encoding](bytes, { maxOutputLength: most }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(most);
    throw new DskdError('invalid-argument', `The body is not ${encoding}, or damaged.`, { cause });
  }
}

async function readAll(
  body: ReadableStream<Uint8Array>,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  // A read that waits forever is ended, too.
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      length += value.length;
      if (length > most) {
        stop();
        throw tooLarge(most);
      }
      chunks.push(value);
    }
  } catch (error) {
    signal.throwIfAborted();
    // A connection that broke.
    throw error instanceof DskdError
      ? error
      : new DskdError('aborted', 'The client has gone.', { cause: error });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
