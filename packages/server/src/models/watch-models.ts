import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watchFolder } from '@dskd/data/node';
import { modelNameOf } from './model-name.js';

export interface WatchModelsOptions {
  /** Absolute paths of files that are watched. */
  readonly files: readonly string[];
  /** Absolute path of a folder whose model files are all watched. */
  readonly folder: string | undefined;
  readonly settledMs: number;
  readonly signal: AbortSignal;
  /** Called with a file that is there, or has changed, and has settled; the next one waits for it. It does not reject. */
  readonly onFile: (file: string) => Promise<void>;
}

/** Pause before a folder that was removed is looked for again. */
const AGAIN_MS = 2000;

async function watchOne(
  folder: string,
  accepts: (name: string) => boolean,
  { settledMs, signal, onFile }: WatchModelsOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      // Also files that are there: one may have changed between its loading and the watch.
      const files = watchFolder(folder, { accepts, existing: true, settledMs, signal });
      for await (const file of files) await onFile(file);
    } catch {
      // The folder is away: a volume that is mounted later, or again.
      await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Watches until the signal is aborted. */
export async function watchModels(options: WatchModelsOptions): Promise<void> {
  const { files, folder } = options;
  const namesIn = new Map<string, Set<string>>();
  for (const file of files) {
    const names = namesIn.get(path.dirname(file)) ?? new Set();
    namesIn.set(path.dirname(file), names.add(path.basename(file)));
  }
  if (folder !== undefined && !namesIn.has(folder)) namesIn.set(folder, new Set());
  await Promise.all(
    [...namesIn].map(([watched, names]) =>
      watchOne(
        watched,
        (name) => names.has(name) || (watched === folder && modelNameOf(name) !== undefined),
        options,
      ),
    ),
  );
}
