import type { WeightsEntry } from '@dskd/weights';
import { interruptible } from '../../interrupt.js';
import { printJson, printLine } from '../../output.js';
import { PullProgressView } from './pull-progress.js';

export interface PullWeightsCommandOptions {
  readonly json?: boolean;
  /** Cache folder, where it is not the default one. */
  readonly cache?: string;
  /** URL of a folder that has the files. */
  readonly mirror?: string;
}

/** Downloads the weights of that name unless they are here. */
export async function pullWeightsByName(name: string, options: PullWeightsCommandOptions): Promise<void> {
  const { findWeights } = await import('@dskd/weights');
  await pullEntry(findWeights(name), options);
}

/** Progress goes to standard error, what became of it to standard output. */
export async function pullEntry(entry: WeightsEntry, options: PullWeightsCommandOptions): Promise<void> {
  const { json, cache, mirror } = options;
  const { name, backbone, license, source } = entry;
  const { pullWeights } = await import('@dskd/weights/node');
  const view = json ? undefined : new PullProgressView(name);
  const pulled = await interruptible((signal) =>
    pullWeights(entry, {
      signal,
      ...(cache !== undefined && { cacheFolder: cache }),
      ...(mirror !== undefined && { mirror }),
      onProgress: (progress) => view?.update(progress),
    }),
  ).finally(() => view?.end());
  if (json) {
    printJson({ type: 'weights-pulled', name, ...pulled, backbone, license });
    return;
  }
  printLine(`${pulled.fromCache ? 'here already' : 'pulled'}: ${pulled.path}`);
  printLine(`${(pulled.bytes / 2 ** 20).toFixed(1)} MiB, SHA-256 ${pulled.sha256}`);
  printLine(`for the backbone ${backbone}, from ${source}`);
  printLine(`${license.spdx}: ${license.note}`);
}
