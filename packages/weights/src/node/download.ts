import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A part file without a write for this long is deleted when the next download of the same file starts. */
const ABANDONED_MILLISECONDS = 60_000;
/** Limit for a file of unknown size: an endless response must not fill the disk. */
const MAX_BYTES = 16 * 2 ** 30;
/** Codes of errors that occur before there is a connection. */
const UNREACHABLE =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENETDOWN|UND_ERR_CONNECT_TIMEOUT)$/;

/** The text file with the ETag or Last-Modified date of the bytes in a part file; empty if the server sent neither. */
const versionFile = (part: string): string => `${part}.version`;

/** Returns the size of a part file in bytes, 0 if it does not exist. */
export async function sizeOf(part: string): Promise<number> {
  return (await stat(part).catch(() => ({ size: 0 }))).size;
}

/** Deletes a part file. */
export async function discard(part: string): Promise<void> {
  for (const file of [versionFile(part), part]) await rm(file, { force: true });
}

/** Returns the paths of all part and version files of a target, including those of other processes. */
async function listParts(target: string): Promise<string[]> {
  const { dir, base } = path.parse(target);
  // Names of targets contain no tilde.
  const names = (await readdir(dir)).filter((name) => name.startsWith(`${base}~`));
  return names.map((name) => path.join(dir, name));
}

/** Deletes all part files of a target, including those that other processes write to. */
export async function discardAll(target: string): Promise<void> {
  for (const file of await listParts(target)) await rm(file, { force: true }).catch(() => undefined);
}

/**
 * Returns the path of a new part file next to `target`. It starts as a copy of the longest existing one, which was left
 * by an interrupted download or belongs to a running one. No locks are needed, since every download writes to its own
 * file. If the copied bytes do not belong to the file on the server, its SHA-256 is wrong in the end.
 */
export async function createPart(target: string): Promise<string> {
  await mkdir(path.dirname(target), { recursive: true });
  const part = `${target}~${randomUUID()}.part`;
  let longest = 0;
  for (const other of (await listParts(target)).filter((file) => file.endsWith('.part'))) {
    const { size, mtimeMs } = await stat(other).catch(() => ({ size: 0, mtimeMs: 0 }));
    if (size > longest) {
      // If another process deletes the file meanwhile, the download starts with the bytes copied so far.
      await copyFile(versionFile(other), versionFile(part)).catch(() => undefined);
      await copyFile(other, part, constants.COPYFILE_FICLONE).catch(() => undefined);
      longest = size;
    }
    if (Date.now() - mtimeMs > ABANDONED_MILLISECONDS) await discard(other);
  }
  return part;
}

/**
 * Why an attempt failed. `transient`: another one may succeed; `unreachable`: another one may succeed if the server was
 * reached before; `final`: another one would fail as well.
 */
export class DownloadFailure extends Error {
  readonly kind: 'transient' | 'unreachable' | 'final';

  constructor(kind: DownloadFailure['kind'], reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

/** Converts an error that `fetch` or the body of a response threw. */
export function describeNetworkError(error: unknown, url: string): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  const { message, cause } = error as Error;
  const { code = '' } = (cause ?? {}) as { readonly code?: string };
  const { host } = new URL(url);
  if (UNREACHABLE.test(code)) {
    return new DownloadFailure('unreachable', `${host} cannot be reached from here (${code})`, error);
  }
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) {
    return new DownloadFailure('final', `the certificate of ${host} is not trusted here (${code})`, error);
  }
  return new DownloadFailure('transient', `the connection to ${host} broke (${code || message})`, error);
}

function describeStatus({ status, statusText }: Response): DownloadFailure {
  const answer = `(${`${status} ${statusText}`.trim()})`;
  if (status >= 500 || [408, 425, 429].includes(status)) {
    return new DownloadFailure('transient', `the server failed ${answer}`);
  }
  const problem = [404, 410].includes(status) ? 'has no such file' : 'refused';
  return new DownloadFailure('final', `the server ${problem} ${answer}`);
}

/**
 * Returns the offset of the body in the file and the size of the file, if known, in bytes; `undefined` if the body does
 * not continue the `have` bytes that are there.
 */
function placeOf({ status, headers }: Response, have: number): { start: number; total?: number } | undefined {
  // With a content encoding, Content-Length is the length before decoding.
  const length = headers.has('content-encoding') ? null : headers.get('content-length');
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  // With status 416, if no bytes are missing, Content-Range is `bytes */TOTAL`.
  const start = status === 200 ? 0 : Number(range?.[1] ?? range?.[2]);
  const total = Number(status === 200 ? length : range?.[2]);
  if (start !== 0 && start !== have) return undefined;
  return total > 0 ? { start, total } : { start };
}

/** Returns the value for `If-Range`, which must not be a weak ETag; empty if there is none. */
function versionOf({ headers }: Response): string {
  const etag = headers.get('etag');
  return etag !== null && !etag.startsWith('W/') ? etag : (headers.get('last-modified') ?? '');
}

export interface DownloadOptions {
  readonly url: string;
  /** Exact size of the file, if known. */
  readonly bytes: number | undefined;
  /** Longest time for which the server may send nothing. */
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (received: number, total: number | undefined) => void;
}

/**
 * Makes one attempt to download the bytes that are missing in a part file. Resolves when the whole file is on disk;
 * `resumed` says whether it contains bytes of an earlier attempt. After a failure, the received bytes remain in the
 * file.
 * @throws {DownloadFailure} if the network or the server failed, or if `signal` was aborted
 * @throws {Error} of the file system
 */
export async function download(
  part: string,
  { url, bytes, timeoutMilliseconds, signal, onProgress }: DownloadOptions,
): Promise<{ resumed: boolean; contentType: string | null }> {
  const silence = `the server sent nothing for ${timeoutMilliseconds / 1000} s`;
  const stalled = new DownloadFailure('transient', silence);
  const connection = new AbortController();
  const timer = setTimeout(() => connection.abort(stalled), timeoutMilliseconds);
  const signals = signal ? [connection.signal, signal] : [connection.signal];
  const rethrow = (error: unknown): never => {
    throw describeNetworkError(error, url);
  };
  try {
    const have = await sizeOf(part);
    const version = await readFile(versionFile(part), 'utf8').catch(() => '');
    // A compressed body could be neither measured nor resumed.
    const headers = new Headers({ 'accept-encoding': 'identity' });
    if (have > 0) headers.set('range', `bytes=${have}-`);
    if (have > 0 && version) headers.set('if-range', version);
    const response = await fetch(url, { headers, signal: AbortSignal.any(signals) }).catch(rethrow);
    timer.refresh();
    if (![200, 206, 416].includes(response.status)) throw describeStatus(response);
    const place = placeOf(response, have);
    if (!place) {
      await discard(part);
      throw new DownloadFailure('transient', 'the server sent another range than the one requested');
    }
    const { start, total } = place;
    const expected = bytes ?? total;
    if (total !== undefined && total !== expected) {
      throw new DownloadFailure('final', `the server announces ${total} bytes; expected ${bytes}`);
    }
    const contentType = response.headers.get('content-type');
    if (response.status === 416) return { resumed: true, contentType };
    const most = bytes ?? MAX_BYTES;
    const reader = response.body!.getReader();
    const file = await open(part, start === 0 ? 'w' : 'a');
    let received = start;
    try {
      if (start === 0) await writeFile(versionFile(part), versionOf(response));
      onProgress(received, total);
      for (;;) {
        const { done, value } = await reader.read().catch(rethrow);
        if (done) break;
        timer.refresh();
        received += value.byteLength;
        if (received > most) throw new DownloadFailure('final', `the server sends more than ${most} bytes`);
        await file.writeFile(value);
        onProgress(received, total);
      }
      if (received < (expected ?? 0)) throw new DownloadFailure('transient', 'the server ended the response');
      await file.sync();
    } catch (error) {
      if (!(error instanceof DownloadFailure) || error.kind === 'final') throw error;
      const reached = expected === undefined ? '' : ` of ${expected}`;
      throw new DownloadFailure('transient', `${error.message} after ${received}${reached} bytes`, error);
    } finally {
      await file.close();
    }
    return { resumed: start > 0, contentType };
  } finally {
    clearTimeout(timer);
    // An unread body would keep the connection open.
    connection.abort();
  }
}
