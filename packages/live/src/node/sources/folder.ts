import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { watchFolder } from '@dskd/data/node';
import type { EngineImage } from '@dskd/engine/node';
import type { Frame, Source } from '../../source.js';

export interface FolderOptions {
  /** Whether images that are there already are inspected, too. */
  readonly existing: boolean;
  /** A file is read when size and time have not changed for so long, in milliseconds. */
  readonly settledMs: number;
  /** How much longer a file must stay empty until it is read, in milliseconds. */
  readonly emptyMs: number;
}

/** So many more known files than at the last time, and names that are gone are forgotten. */
const TIDY_AFTER = 1000;

/** What is read of a file, or undefined where it is gone. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    // Taken away in the meantime, by whoever tidies up the folder.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Images that are put into a folder. None is left out, and none is read twice: those that wait, wait in the folder, and after the folder
 * was away, those that came meanwhile are read.
 */
export class FolderSource implements Source<EngineImage> {
  readonly name: string;
  readonly isLive = false;
  readonly #folder: string;
  readonly #options: FolderOptions;
  /** Size and time of the files that are not read again, by name; undefined until the folder was there once. */
  #known: Map<string, string> | undefined;
  #tidyAt = TIDY_AFTER;

  constructor(folder: string, options: FolderOptions) {
    this.name = `folder:${folder}`;
    this.#folder = folder;
    this.#options = options;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<EngineImage>, void, undefined> {
    const { existing, settledMs, emptyMs } = this.#options;
    // Reads the folder: what comes after this call is new.
    const watched = watchFolder(this.#folder, { existing: true, settledMs, emptyMs, signal });
    const known = (this.#known ??= existing ? new Map<string, string>() : await this.#present());
    for await (const file of watched) {
      const name = path.basename(file);
      const signature = await this.#signature(name);
      if (signature === undefined || known.get(name) === signature) continue;
      const image = await unlessGone(readFile(file));
      if (!image) continue;
      known.set(name, signature);
      await this.#tidy(known);
      yield {
        id: name,
        time: Date.now(),
        image: new Uint8Array(image.buffer, image.byteOffset, image.length),
      };
    }
  }

  async #signature(name: string): Promise<string | undefined> {
    const stats = await unlessGone(stat(path.join(this.#folder, name)));
    return stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
  }

  /** What is in the folder now. */
  async #present(): Promise<Map<string, string>> {
    const present = new Map<string, string>();
    // A folder that is missing is told by the watch.
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const signature = await this.#signature(name);
      if (signature !== undefined) present.set(name, signature);
    }
    return present;
  }

  /** Forgets files that are gone, now and then. */
  async #tidy(known: Map<string, string>): Promise<void> {
    if (known.size < this.#tidyAt) return;
    const names = new Set(await readdir(this.#folder));
    for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    this.#tidyAt = 2 * known.size + TIDY_AFTER;
  }
}
