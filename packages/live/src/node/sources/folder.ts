import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { watchFolder } from '@dskd/data/node';
import type { EngineImage } from '@dskd/engine/node';
import type { Frame, Source } from '../../source.js';

export interface FolderOptions {
  /** Whether images that are there already are inspected, too. */
  readonly existing: boolean;
  /** A file is read when size and time have not changed for so long, in milliseconds. */
  readonly settledMs: number;
}

/** Images that are put into a folder. None is left out: those that wait, wait in the folder. */
export class FolderSource implements Source<EngineImage> {
  readonly name: string;
  readonly isLive = false;
  readonly #folder: string;
  readonly #options: FolderOptions;

  constructor(folder: string, options: FolderOptions) {
    this.name = `folder:${folder}`;
    this.#folder = folder;
    this.#options = options;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<EngineImage>, void, undefined> {
    const files = watchFolder(this.#folder, { ...this.#options, signal });
    for await (const file of files) {
      const image = await readFile(file).catch((error: unknown) => {
        // Taken away in the meantime, by whoever tidies up the folder.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      });
      if (image)
        yield {
          id: path.basename(file),
          time: Date.now(),
          image: new Uint8Array(image.buffer, image.byteOffset, image.length),
        };
    }
  }
}
