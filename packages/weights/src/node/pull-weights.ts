import { setTimeout as sleep } from 'node:timers/promises';
import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import type { DownloadSource } from '../registry/index.js';
import { defaultCacheFolder, weightsPath } from './cache-folder.js';
import { type FileDigest, PartialDownload, sha256File } from './partial-download.js';
import { mirroredUrl, resolveSource } from './source.js';
import { transfer, TransferFailure, type Transferred } from './transfer.js';

export interface PullProgress {
  /** Bytes on disk, those of earlier tries included. */
  readonly received: number;
  /** Bytes in all, where the server says. */
  readonly total?: number;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Why the try before ended; once per new try. */
  readonly problem?: string;
}

export interface PullWeightsOptions {
  /** Default: `DSKD_CACHE`, else the platform's cache folder. The file comes to lie in `weights` inside it. */
  readonly cacheFolder?: string;
  /** URL under which the file lies by its name in the cache. Default: `DSKD_WEIGHTS_MIRROR`, else none. */
  readonly mirror?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** How long a server may say nothing. Default 30 000. */
  readonly timeoutMilliseconds?: number;
  /** Tries after the first that bring less than a mebibyte, before it is given up. Default 4. */
  readonly retries?: number;
  /** Before the second try, doubled for each further one, at most ten seconds. Default 500. */
  readonly retryDelayMilliseconds?: number;
}

export interface PulledWeights {
  readonly path: string;
  readonly bytes: number;
  /** All 64 digits, lower case. */
  readonly sha256: string;
  /** Whether the file was there already. */
  readonly fromCache: boolean;
}

/** A try that brings this much is progress: the count of failures begins again. */
const PROGRESS_BYTES = 2 ** 20;
const LONGEST_DELAY_MILLISECONDS = 10_000;

/** One download with everything that errors and retries need to know of it. */
interface Job {
  readonly source: DownloadSource;
  readonly url: string;
  readonly path: string;
  /** Digest of a file at `path` that is not the one wanted. */
  readonly wrong: FileDigest | undefined;
  readonly options: PullWeightsOptions;
}

function digits({ sha256 }: DownloadSource): string {
  return sha256.length < 64 ? `${sha256}...` : sha256;
}

function byHand({ source, path, wrong }: Job): string {
  const lies = wrong ? ` The file there now has SHA-256 ${wrong.sha256}.` : '';
  return (
    `By hand: fetch ${source.url} on a machine that can, and put the file at ${path} ` +
    `(SHA-256 ${digits(source)}); it is found there from then on.${lies} ` +
    `Or name a mirror that has ${source.file}: option mirror, or DSKD_WEIGHTS_MIRROR.`
  );
}

function downloadFailed(job: Job, failure: TransferFailure, attempts: number): DskdError {
  const { source, url, path } = job;
  const tries = attempts > 1 ? ` (${attempts} tries)` : '';
  return new DskdError(
    'download-failed',
    `Cannot download ${source.name} from ${url}: ${failure.message}${tries}.`,
    {
      hint: byHand(job),
      details: { name: source.name, url, path, sha256: source.sha256, reason: failure.message, attempts },
      cause: failure,
    },
  );
}

function wrongDigest(job: Job, got: FileDigest, { contentType }: Transferred): DskdError {
  const { source, url, path } = job;
  const kind = contentType === undefined ? '' : ` of ${contentType}`;
  return new DskdError(
    'weights-invalid',
    `${url} gave ${got.bytes} bytes${kind} with SHA-256 ${got.sha256}; ` +
      `wanted ${digits(source)} for ${source.name}. They were deleted.`,
    {
      hint: `The file was changed, or something on the way answered in its place. ${byHand(job)}`,
      details: { name: source.name, url, path, got: got.sha256, wanted: source.sha256, bytes: got.bytes },
    },
  );
}

async function download(part: PartialDownload, job: Job): Promise<FileDigest> {
  const { source, url, options } = job;
  const {
    signal,
    onProgress,
    timeoutMilliseconds = 30_000,
    retries = 4,
    retryDelayMilliseconds = 500,
  } = options;
  let failures = 0;
  let furthest = await part.size();
  for (let attempt = 1; ; attempt++) {
    const failure = await transfer(part, {
      url,
      bytes: source.bytes,
      timeoutMilliseconds,
      signal,
      onProgress: (received, total) =>
        onProgress?.({ received, attempt, ...(total !== undefined && { total }) }),
    }).then(
      async (transferred) => {
        // From the disk, not from the stream: what was written is what will be used.
        const digest = await sha256File(part.content, signal);
        if (digest.sha256.startsWith(source.sha256)) return digest;
        await part.restart();
        if (!transferred.resumed) throw wrongDigest(job, digest, transferred);
        return new TransferFailure(
          'transient',
          'the pieces do not fit together: the file was changed meanwhile',
        );
      },
      (error: unknown) => {
        if (error instanceof TransferFailure) return error;
        throw error;
      },
    );
    if (!(failure instanceof TransferFailure)) return failure;

    const received = await part.size();
    failures = received >= furthest + PROGRESS_BYTES ? 1 : failures + 1;
    furthest = Math.max(furthest, received);
    const hopeless = failure.kind === 'final' || (failure.kind === 'unreachable' && attempt === 1);
    if (hopeless || failures > retries) throw downloadFailed(job, failure, attempt);
    onProgress?.({ received, attempt: attempt + 1, problem: failure.message });
    const delay = Math.min(retryDelayMilliseconds * 2 ** (failures - 1), LONGEST_DELAY_MILLISECONDS);
    await sleep(delay, undefined, signal && { signal });
  }
}

async function digestIfThere(path: string, signal: AbortSignal | undefined): Promise<FileDigest | undefined> {
  return sha256File(path, signal).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
}

/** What the file system threw, in the words of this module; its own errors and aborts as they are. */
function explain(error: unknown, { source, path }: Job): unknown {
  if (isDskdError(error)) return error;
  return new DskdError(
    'download-failed',
    `Cannot keep ${source.name} at ${path}: ${(error as Error).message}.`,
    {
      hint: 'Choose another cache folder: option cacheFolder, or DSKD_CACHE.',
      details: { name: source.name, path },
      cause: error,
    },
  );
}

/**
 * Weights in the cache folder: found there, or downloaded, checked against their SHA-256 and moved there as
 * a whole. An interrupted download goes on where it ended, in this call or a later one, in this process or
 * another; several processes may pull the same file at once.
 * @param nameOrSource a name of the registry, or a source of the caller's.
 * @throws {DskdError} `invalid-argument` for an unknown name, an unsound source or mirror; `download-failed`
 * with what to do by hand; `weights-invalid` where the bytes have another digest (they are deleted);
 * `aborted`.
 */
export async function pullWeights(
  nameOrSource: string | DownloadSource,
  options: PullWeightsOptions = {},
): Promise<PulledWeights> {
  const { cacheFolder = defaultCacheFolder(), mirror = process.env.DSKD_WEIGHTS_MIRROR, signal } = options;
  const source = resolveSource(nameOrSource);
  const url = mirroredUrl(source, mirror);
  const path = weightsPath(source, { cacheFolder });
  let job: Job = { source, url, path, wrong: undefined, options };
  try {
    throwIfAborted(signal);
    const there = await digestIfThere(path, signal);
    if (there?.sha256.startsWith(source.sha256)) return { path, ...there, fromCache: true };
    job = { ...job, wrong: there };
    const part = await PartialDownload.claim(path);
    try {
      const digest = await download(part, job);
      await part.finish();
      return { path, ...digest, fromCache: false };
    } catch (error) {
      await part.release();
      throw error;
    }
  } catch (error) {
    throwIfAborted(signal);
    throw explain(error, job);
  }
}
