import { throwIfAborted } from '@dskd/base';
import type { PartialDownload } from './partial-download.js';

/** Nobody answered: no network, no such host, nothing listening. */
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Why one try at a download ended. `transient`: another try may do better; `unreachable`: only if the server
 * was reached before; `final`: never.
 */
export class TransferFailure extends Error {
  readonly kind: 'transient' | 'unreachable' | 'final';

  constructor(kind: TransferFailure['kind'], reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

interface Thrown {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

const isThrown = (value: unknown): value is Thrown => typeof value === 'object' && value !== null;

/** The system's or the HTTP client's code of what `fetch` throws: it stands in the cause. */
function codeOf(error: unknown): string | undefined {
  for (let current = error; isThrown(current); current = current.cause) {
    if (typeof current.code === 'string') return current.code;
  }
  return undefined;
}

/** What `fetch`, or reading its body, threw. */
export function describeNetworkError(error: unknown, url: string): TransferFailure {
  const code = codeOf(error) ?? '';
  const { host } = new URL(url);
  if (UNREACHABLE.has(code)) {
    return new TransferFailure('unreachable', `${host} cannot be reached from here (${code})`, error);
  }
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) {
    return new TransferFailure('final', `the certificate of ${host} is not trusted here (${code})`, error);
  }
  const detail = code || (isThrown(error) ? String(error.message) : 'for no known reason');
  return new TransferFailure('transient', `the connection to ${host} broke (${detail})`, error);
}

const TRANSIENT_STATUS = new Set([408, 425, 429]);

/** An answer that is neither the file nor a part of it. */
export function describeStatus({ status, statusText }: Response): TransferFailure {
  const said = `${status} ${statusText}`.trim();
  if (status >= 500 || TRANSIENT_STATUS.has(status)) {
    return new TransferFailure('transient', `the server failed (${said})`);
  }
  if (status === 404 || status === 410) {
    return new TransferFailure('final', `the server has no such file (${said})`);
  }
  return new TransferFailure('final', `the server refused (${said})`);
}

/** No weight file in use comes near it; a server that never ends must not fill the disk. */
const MAX_BYTES = 16 * 2 ** 30;

export interface Transfer {
  readonly url: string;
  /** Exact size of the file, where it is known. */
  readonly bytes: number | undefined;
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (received: number, total: number | undefined) => void;
}

export interface Transferred {
  /** Whether bytes of an earlier try are part of it. */
  readonly resumed: boolean;
  readonly contentType: string | undefined;
}

/** Where the body of an answer belongs, and how long the whole file is said to be. */
interface Place {
  readonly start: number;
  readonly total: number | undefined;
}

function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  // An encoded body has another length than what is read from it.
  if (length === null || headers.has('content-encoding')) return undefined;
  return Number(length);
}

/** `undefined` where the server means another range than the one that was asked for. */
function placeOf(response: Response, have: number): Place | undefined {
  if (response.status === 200) return { start: 0, total: lengthOf(response) };
  const range = response.headers.get('content-range') ?? '';
  if (response.status === 416) {
    // Everything was there already: nothing of it remains to be sent.
    return have > 0 && range === `bytes */${have}` ? { start: have, total: have } : undefined;
  }
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (start === undefined || Number(start) !== have) return undefined;
  const rest = lengthOf(response);
  if (total !== '*') return { start: have, total: Number(total) };
  return { start: have, total: rest === undefined ? undefined : have + rest };
}

function versionOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  // A weak one does not promise the same bytes, and If-Range must not carry it.
  return etag !== null && !etag.startsWith('W/') ? etag : (headers.get('last-modified') ?? undefined);
}

/** The network's side of one try: what it throws is told in words, and silence ends it. */
class Connection {
  readonly #options: Transfer;
  readonly #end = new AbortController();
  #stalled = false;

  constructor(options: Transfer) {
    this.#options = options;
  }

  request(headers: Record<string, string>): Promise<Response> {
    const { url, signal } = this.#options;
    const signals = signal ? [this.#end.signal, signal] : [this.#end.signal];
    return this.#listen(() => fetch(url, { headers, signal: AbortSignal.any(signals) }));
  }

  async *pieces({ body }: Response): AsyncGenerator<Uint8Array> {
    if (!body) return;
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await this.#listen(() => reader.read());
      if (done) return;
      yield value;
    }
  }

  /** However a try ended: a body that is not read would hold the connection open. */
  close(): void {
    this.#end.abort();
  }

  async #listen<T>(wait: () => Promise<T>): Promise<T> {
    const { url, signal, timeoutMilliseconds } = this.#options;
    const timer = setTimeout(() => {
      this.#stalled = true;
      this.#end.abort();
    }, timeoutMilliseconds);
    try {
      return await wait();
    } catch (error) {
      throwIfAborted(signal);
      if (!this.#stalled) throw describeNetworkError(error, url);
      const seconds = timeoutMilliseconds / 1000;
      throw new TransferFailure('transient', `the server sent nothing for ${seconds} s`, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function rangeHeaders(part: PartialDownload, have: number): Promise<Record<string, string>> {
  // Compressed bytes could be neither counted nor resumed.
  const headers = { 'accept-encoding': 'identity' };
  if (have === 0) return headers;
  const version = await part.version();
  return { ...headers, range: `bytes=${have}-`, ...(version !== undefined && { 'if-range': version }) };
}

async function receive(
  connection: Connection,
  response: Response,
  part: PartialDownload,
  { start, total }: Place,
  { bytes, onProgress }: Transfer,
): Promise<void> {
  const most = bytes ?? MAX_BYTES;
  const wanted = bytes ?? total;
  const file = await part.open(start === 0 ? { version: versionOf(response) } : undefined);
  let received = start;
  try {
    onProgress(received, total);
    for await (const piece of connection.pieces(response)) {
      received += piece.byteLength;
      if (received > most) throw new TransferFailure('final', `the server sends more than ${most} bytes`);
      await file.writeFile(piece);
      onProgress(received, total);
    }
    if (wanted !== undefined && received < wanted) {
      throw new TransferFailure('transient', 'the server ended the file');
    }
    await file.sync();
  } catch (error) {
    if (!(error instanceof TransferFailure) || error.kind === 'final') throw error;
    const reached = wanted === undefined ? `${received}` : `${received} of ${wanted}`;
    throw new TransferFailure('transient', `${error.message} after ${reached} bytes`, error);
  } finally {
    await file.close();
  }
}

/**
 * One try at downloading `url` into `part`, going on from the bytes it has. Resolves once all that the server
 * announced is on disk; what was received is kept when it fails.
 * @throws {TransferFailure} for what the network or the server did.
 * @throws {DskdError} `aborted`.
 * @throws the file system's error.
 */
export async function transfer(part: PartialDownload, options: Transfer): Promise<Transferred> {
  const connection = new Connection(options);
  try {
    const have = await part.size();
    const response = await connection.request(await rangeHeaders(part, have));
    if (![200, 206, 416].includes(response.status)) throw describeStatus(response);
    const place = placeOf(response, have);
    if (!place) {
      await part.restart();
      throw new TransferFailure('transient', 'the server sent another part than the one asked for');
    }
    const { bytes } = options;
    if (bytes !== undefined && place.total !== undefined && place.total !== bytes) {
      throw new TransferFailure(
        'final',
        `the server announces ${place.total} bytes where ${bytes} are known`,
      );
    }
    if (response.status !== 416) await receive(connection, response, part, place, options);
    return { resumed: place.start > 0, contentType: response.headers.get('content-type') ?? undefined };
  } finally {
    connection.close();
  }
}
