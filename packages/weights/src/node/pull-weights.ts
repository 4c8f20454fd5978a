import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import type { DownloadSource } from '../registry/index.js';
import { defaultCacheFolder, mirroredUrl, resolveSource, weightsPath } from './cache-folder.js';
import { createPart, discard, discardAll, download, DownloadFailure, sizeOf } from './download.js';

export interface PullProgress {
  /** Bytes on disk, including those of earlier attempts. */
  readonly received: number;
  /** Size of the file in bytes, if the server sends it. */
  readonly total?: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Why the previous attempt failed; set once for each new attempt. */
  readonly problem?: string;
}

export interface PullWeightsOptions {
  /** The file is stored in its subfolder `weights`. Default: `DSKD_CACHE`, else the cache folder of the platform. */
  readonly cacheFolder?: string;
  /** URL of a folder that contains the file under its name in the cache. Default: `DSKD_WEIGHTS_MIRROR`, else none. */
  readonly mirror?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Longest time for which the server may send nothing. Default 30 000. */
  readonly timeoutMilliseconds?: number;
  /** Failed attempts in a row, with less than 1 MiB received in each, that are tried again. Default 4. */
  readonly retries?: number;
  /** Delay before the second attempt; doubled for each further one, up to ten seconds. Default 500. */
  readonly retryDelayMilliseconds?: number;
}

export interface PulledWeights {
  readonly path: string;
  readonly bytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Whether the file was in the cache folder already. */
  readonly fromCache: boolean;
}

/** An attempt that receives this much resets the number of failures. */
const PROGRESS_BYTES = 2 ** 20;
const MAX_DELAY_MILLISECONDS = 10_000;

type FileDigest = Pick<PulledWeights, 'bytes' | 'sha256'>;

interface Job {
  readonly source: DownloadSource;
  readonly url: string;
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** How to install the file by hand. */
  readonly hint: string;
}

async function digestOf(file: string, signal: AbortSignal | undefined): Promise<FileDigest> {
  const hash = createHash('sha256');
  const stream = createReadStream(file, { highWaterMark: 2 ** 20, signal });
  for await (const piece of stream) hash.update(piece as Buffer);
  return { bytes: stream.bytesRead, sha256: hash.digest('hex') };
}

/**
 * Checks the SHA-256 of a complete part file and renames it.
 * @throws {DownloadFailure} if it is wrong, and the part file contains bytes of an earlier attempt
 * @throws {DskdError} `weights-invalid` if the server sent another file
 */
async function store(
  part: string,
  { source, url, path, signal, hint }: Job,
  { resumed, contentType }: Awaited<ReturnType<typeof download>>,
): Promise<FileDigest> {
  const { name, sha256: wanted } = source;
  try {
    const digest = await digestOf(part, signal);
    const { bytes, sha256: got } = digest;
    if (!got.startsWith(wanted)) {
      await discard(part);
      if (resumed) throw new DownloadFailure('transient', 'the file on the server has changed');
      const sent = `${bytes} bytes${contentType === null ? '' : ` of ${contentType}`} with SHA-256 ${got}`;
      const message = `${url} sent ${sent}; expected ${wanted} for ${name}. They were deleted.`;
      const details = { name, url, path, got, wanted, bytes };
      throw new DskdError('weights-invalid', message, { hint, details });
    }
    await rename(part, path);
    return digest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Another process finished first and deleted this part file.
    const digest = await digestOf(path, signal);
    if (!digest.sha256.startsWith(wanted)) throw error;
    return digest;
  }
}

/** @throws {DskdError} `download-failed`, `weights-invalid` */
async function downloadWithRetries(part: string, job: Job, options: PullWeightsOptions): Promise<FileDigest> {
  const { source, url, path, signal, hint } = job;
  const { name, sha256, bytes } = source;
  const { onProgress, timeoutMilliseconds = 30_000, retries = 4, retryDelayMilliseconds = 500 } = options;
  let failures = 0;
  let furthest = await sizeOf(part);
  for (let attempt = 1; ; attempt++) {
    const report = (received: number, total?: number): void => onProgress?.({ received, total, attempt });
    try {
      const request = { url, bytes, timeoutMilliseconds, signal, onProgress: report };
      return await store(part, job, await download(part, request));
    } catch (error) {
      if (signal?.aborted || !(error instanceof DownloadFailure)) throw error;
      const received = await sizeOf(part);
      failures = received >= furthest + PROGRESS_BYTES ? 1 : failures + 1;
      furthest = Math.max(furthest, received);
      const { kind, message: reason } = error;
      const isFinal = kind === 'final' || (kind === 'unreachable' && attempt === 1);
      if (isFinal || failures > retries) {
        const attempts = attempt > 1 ? ` (${attempt} attempts)` : '';
        const message = `Cannot download ${name} from ${url}: ${reason}${attempts}.`;
        const details = { name, url, path, sha256, reason, attempts: attempt };
        throw new DskdError('download-failed', message, { hint, details, cause: error });
      }
      onProgress?.({ received, attempt: attempt + 1, problem: reason });
      const delay = Math.min(retryDelayMilliseconds * 2 ** (failures - 1), MAX_DELAY_MILLISECONDS);
      await sleep(delay, undefined, { signal });
    }
  }
}

/**
 * Returns the path of weights in the cache folder. If they are not there, they are downloaded, and stored once they are
 * complete and their SHA-256 is right. An interrupted download is resumed, also by a later call in another process.
 * Several processes may download the same file at once.
 * @param nameOrSource name in the registry, or a custom source
 * @throws {DskdError} `invalid-argument` for an unknown name, or an invalid source or mirror; `download-failed` with
 * instructions for a download by hand; `weights-invalid` if the SHA-256 is wrong (the bytes are deleted); `aborted`
 */
export async function pullWeights(
  nameOrSource: string | DownloadSource,
  options: PullWeightsOptions = {},
): Promise<PulledWeights> {
  const { cacheFolder = defaultCacheFolder(), mirror = process.env.DSKD_WEIGHTS_MIRROR, signal } = options;
  const source = resolveSource(nameOrSource);
  const { name, file, sha256 } = source;
  const url = mirroredUrl(source, mirror);
  const path = weightsPath(source, { cacheFolder });
  try {
    throwIfAborted(signal);
    const existing = existsSync(path) ? await digestOf(path, signal) : undefined;
    if (existing?.sha256.startsWith(sha256)) return { path, ...existing, fromCache: true };
    const digest = sha256.length < 64 ? `${sha256}...` : sha256;
    const hint =
      `Download ${source.url} on another machine and put the file at ${path} (SHA-256 ${digest}). ` +
      (existing ? `The file there now has SHA-256 ${existing.sha256}. ` : '') +
      `Or use a mirror that has ${file}: option mirror, or DSKD_WEIGHTS_MIRROR.`;
    const part = await createPart(path);
    const stored = await downloadWithRetries(part, { source, url, path, signal, hint }, options);
    await discardAll(path);
    return { path, ...stored, fromCache: false };
  } catch (error) {
    throwIfAborted(signal);
    if (isDskdError(error)) throw error;
    const message = `Cannot store ${name} at ${path}: ${(error as Error).message}.`;
    const hint = 'Choose another cache folder: option cacheFolder, or DSKD_CACHE.';
    throw new DskdError('download-failed', message, { hint, details: { name, path }, cause: error });
  }
}
