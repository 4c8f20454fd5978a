import { stat } from 'node:fs/promises';
import { findWeights, WEIGHTS, type WeightsEntry } from '@dskd/weights';
import { pullWeights, weightsPath } from '@dskd/weights/node';
import { formatTable, printJson, printLine } from '../../output/print.js';
import { PullProgressView } from '../../output/pull-progress.js';

export interface ListWeightsOptions {
  readonly json?: boolean;
  /** Cache folder, where it is not the default one. */
  readonly cache?: string | undefined;
}

/** Prints the weights that are known by name, and which of them have been downloaded. */
export async function listWeights({ json, cache }: ListWeightsOptions): Promise<void> {
  const entries = await Promise.all(
    WEIGHTS.map(async (entry) => {
      const path = weightsPath(entry, cache === undefined ? {} : { cacheFolder: cache });
      const present = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      );
      return { ...entry, path, present };
    }),
  );
  if (json) {
    printJson(entries);
    return;
  }
  printLine(
    formatTable(
      ['name', 'backbone', 'MiB', 'here', 'license', 'source'],
      entries.map(({ name, backbone, mebibytes, present, license, source }) => [
        name,
        backbone,
        String(mebibytes),
        present ? 'yes' : 'no',
        license.spdx,
        source,
      ]),
    ),
  );
  printLine();
  for (const note of new Set(entries.map(({ license }) => license.note))) printLine(note);
}

export interface PullWeightsCommandOptions extends ListWeightsOptions {
  /** URL of a folder that contains the files. */
  readonly mirror?: string | undefined;
}

/** Downloads the weights of that name unless they are in the cache. */
export async function pullWeightsByName(
  name: string,
  options: PullWeightsCommandOptions,
  signal?: AbortSignal,
): Promise<void> {
  await pullEntry(findWeights(name), options, signal);
}

/** Downloads weights unless they are in the cache. Progress goes to standard error, the result to standard output. */
export async function pullEntry(
  entry: WeightsEntry,
  { json, cache, mirror }: PullWeightsCommandOptions,
  signal?: AbortSignal,
): Promise<void> {
  const { name, backbone, license, source } = entry;
  const view = json ? undefined : new PullProgressView(name);
  const pulled = await pullWeights(entry, {
    ...(signal && { signal }),
    ...(cache !== undefined && { cacheFolder: cache }),
    ...(mirror !== undefined && { mirror }),
    onProgress: (progress) => view?.update(progress),
  }).finally(() => view?.end());
  if (json) {
    printJson({ type: 'weights-pulled', name, ...pulled, backbone, license });
    return;
  }
  printLine(`${pulled.fromCache ? 'here already' : 'pulled'}: ${pulled.path}`);
  printLine(`${(pulled.bytes / 2 ** 20).toFixed(1)} MiB, SHA-256 ${pulled.sha256}`);
  printLine(`for the backbone ${backbone}, from ${source}`);
  printLine(`${license.spdx}: ${license.note}`);
}
