import { formatTable, printJson, printLine } from '../../output.js';

export interface ListWeightsOptions {
  readonly json?: boolean;
  /** Cache folder, where it is not the default one. */
  readonly cache?: string;
}

/** Prints what weights are known by name, and which are here. */
export async function listWeights({ json, cache }: ListWeightsOptions): Promise<void> {
  const [{ WEIGHTS }, { weightsPath }, { stat }] = await Promise.all([
    import('@dskd/weights'),
    import('@dskd/weights/node'),
    import('node:fs/promises'),
  ]);
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
