import { formatSummary, summarize } from '@dskd/data';
import { openSource, writeManifest } from '@dskd/data/node';
import type { CheckOptions } from '../options/check.js';
import { printJson, printLine } from '../output.js';

/** Says what a dataset holds; whatever is wrong with it, opening it says in one error. */
export async function check(data: string, options: CheckOptions, signal: AbortSignal): Promise<void> {
  const { category, thorough, manifest, json } = options;
  const source = await openSource({
    root: data,
    thorough,
    signal,
    ...(category !== undefined && { category }),
  });
  const rows = summarize(source);
  const fingerprint = await source.fingerprint({ signal });
  if (manifest !== undefined) await writeManifest(source, manifest);
  if (json) {
    printJson({
      type: 'dataset-checked',
      name: source.name,
      rows,
      fingerprint,
      ...(manifest !== undefined && { manifest }),
    });
    return;
  }
  printLine(formatSummary(rows));
  printLine(`fingerprint ${fingerprint}`);
  if (manifest !== undefined) printLine(`wrote ${manifest}`);
}
