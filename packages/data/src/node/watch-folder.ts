import { readdirSync, statSync, watch, type FSWatcher, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { isHeatMap, isPassedOver, kindByName } from '../image-format.js';
import { byCodeUnit } from '../samples.js';

export interface WatchFolderOptions {
  /** Which names are reported. Default: those of images. */
  readonly accepts?: (name: string) => boolean;
  /** Ends the watch: images found so far are still returned, then the iteration ends, without an error. */
  readonly signal?: AbortSignal;
  /** Whether images that already exist are returned first, sorted by name. Default false. */
  readonly existing?: boolean;
  /** A file is complete when it has not changed for this time, in milliseconds. Default 500. */
  readonly settledMs?: number;
  /**
   * How much longer a file without a byte must stay so until it is complete, in milliseconds: a program may have created it and
   * write later. It is returned again when it is filled. Default 5000.
   */
  readonly emptyMs?: number;
  /** Interval at which the folder is scanned in any case, in milliseconds. Default 2000. */
  readonly pollMs?: number;
  /** Whether file system notifications are used. Some network folders send none, or wrong ones. Default true. */
  readonly notifications?: boolean;
}

/** Names of files that are still being written. Hidden files and `x.png.part` are excluded by other rules. */
const TEMPORARY = /^~|\.(tmp|temp|part|partial)\.[^.]+$/i;

interface Seen {
  /** Changes if the file's content may have changed. */
  signature: string;
  /** Time of the last change, by `performance.now()`. */
  since: number;
  reported: boolean;
}

type Next = IteratorResult<string, undefined>;

interface Waiting {
  resolve(next: Next): void;
  reject(failure: DskdError): void;
}

/** Notifications come in bursts. One scan handles all of this many milliseconds. */
const BURST_MS = 25;

function isImage(name: string): boolean {
  if (isPassedOver(name) || isHeatMap(name) || TEMPORARY.test(name)) return false;
  return kindByName(name) === 'readable';
}

function signatureOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}

function unwatchable(folder: string, cause: unknown): DskdError {
  return new DskdError('file-not-found', `Cannot watch the folder ${folder}.`, {
    hint: 'The folder must exist, be readable, and must not be removed.',
    details: { folder },
    cause,
  });
}

class FolderWatch implements AsyncIterableIterator<string> {
  readonly #folder: string;
  readonly #accepts: (name: string) => boolean;
  readonly #settledMs: number;
  readonly #emptyMs: number;
  readonly #pollMs: number;
  readonly #seen = new Map<string, Seen>();
  readonly #ready: string[] = [];
  readonly #waiting: Waiting[] = [];
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by `performance.now()`. */
  #due = Infinity;
  #scanning = false;
  /** Number of notifications so far. */
  #changes = 0;
  #closed = false;
  #failure: DskdError | undefined;
  #forgetSignal = (): void => undefined;

  constructor(folder: string, options: WatchFolderOptions) {
    const { signal, existing = false, notifications = true } = options;
    const { settledMs = 500, emptyMs = 5000, pollMs = 2000 } = options;
    this.#folder = folder;
    this.#accepts = options.accepts ?? isImage;
    this.#settledMs = settledMs;
    this.#emptyMs = emptyMs;
    this.#pollMs = pollMs;
    if (signal?.aborted) {
      this.#closed = true;
      return;
    }
    if (signal) {
      const onAbort = (): void => this.#close();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#forgetSignal = () => signal.removeEventListener('abort', onAbort);
    }
    try {
      // Read now, not in the first scan: every file that appears after this call is new.
      const names = readdirSync(folder);
      if (!existing) this.#takeAsKnown(names.filter(this.#accepts));
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    if (notifications) this.#listen();
    this.#schedule(0);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    const found = this.#ready.shift();
    if (found !== undefined) return Promise.resolve({ done: false, value: found });
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<Next> {
    this.#ready.length = 0;
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  #takeAsKnown(names: readonly string[]): void {
    for (const name of names) {
      const stats = statSync(path.join(this.#folder, name), { throwIfNoEntry: false });
      if (stats) this.#seen.set(name, { signature: signatureOf(stats), since: 0, reported: true });
    }
  }

  #listen(): void {
    try {
      this.#watcher = watch(this.#folder, () => {
        this.#changes++;
        this.#schedule(BURST_MS);
      });
      // Polling continues without notifications.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Scans the folder in `delay` milliseconds, or earlier if an earlier scan is scheduled. */
  #schedule(delay: number): void {
    const due = performance.now() + delay;
    if (this.#closed || this.#scanning || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.#scan(), delay);
  }

  async #scan(): Promise<void> {
    this.#due = Infinity;
    this.#scanning = true;
    const changes = this.#changes;
    let unsettled = false;
    try {
      unsettled = await this.#lookThrough();
    } catch (cause) {
      this.#fail(cause);
    }
    this.#scanning = false;
    const soon = this.#changes > changes ? BURST_MS : unsettled ? this.#settledMs / 2 : this.#pollMs;
    this.#schedule(Math.min(soon, this.#pollMs));
  }

  /** Reports the complete files. @returns whether a file is still incomplete. */
  async #lookThrough(): Promise<boolean> {
    const names = (await readdir(this.#folder)).filter(this.#accepts).sort(byCodeUnit);
    const present = new Set(names);
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    // One time stamp for all files, so that files that appeared together are reported together, sorted by name.
    const now = performance.now();
    let unsettled = false;
    for (const name of names) {
      const stats = await stat(path.join(this.#folder, name)).catch(() => undefined);
      if (this.#closed) return false;
      if (stats?.isFile() && !this.#look(name, stats, now)) unsettled = true;
    }
    return unsettled;
  }

  /** Checks one file and reports it when it is complete. @returns false if it must be checked again. */
  #look(name: string, stats: Stats, now: number): boolean {
    const signature = signatureOf(stats);
    const seen = this.#seen.get(name);
    if (seen?.signature !== signature) {
      this.#seen.set(name, { signature, since: now, reported: false });
      return false;
    }
    if (seen.reported) return true;
    if (now - seen.since < this.#settledMs + (stats.size === 0 ? this.#emptyMs : 0)) return false;
    seen.reported = true;
    this.#hand(path.join(this.#folder, name));
    return true;
  }

  #hand(file: string): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve({ done: false, value: file });
    else this.#ready.push(file);
  }

  #fail(cause: unknown): void {
    if (this.#closed) return;
    const failure = unwatchable(this.#folder, cause);
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(failure);
    else this.#failure = failure;
    this.#close();
  }

  #close(): void {
    this.#closed = true;
    this.#forgetSignal();
    clearTimeout(this.#timer);
    this.#watcher?.close();
    for (const waiting of this.#waiting.splice(0)) waiting.resolve({ done: true, value: undefined });
  }
}

/**
 * Watches a folder (not its subfolders) for images. Each image is returned when it is completely written, in the
 * order of completion. An image that is written again is returned again. Temporary names, hidden files, files without an
 * image extension and heat maps of `dskd predict` (`NAME.overlay.png`, `NAME.explained.png`) are ignored.
 *
 * Watching starts with this call and ends with the signal or with the iteration. If writing pauses for longer than
 * `settledMs`, the image is returned too early, and again when it is complete. A file that stays empty is returned, too, so that
 * whoever reads it can tell of it.
 * @returns paths that begin with `folder`. Iterating rejects with {@link DskdError} `file-not-found` if the folder is
 * missing, is not a folder, or is removed.
 */
export function watchFolder(folder: string, options: WatchFolderOptions = {}): AsyncIterableIterator<string> {
  return new FolderWatch(folder, options);
}
