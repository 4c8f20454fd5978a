import { createHash } from 'node:crypto';
import type { StateDictEntry } from '@dskd/weights';
import { formatTable, printJson, printLine } from '../../output.js';
import { describeFits, fitBackbones, type Fit } from './fit-backbones.js';
import { readWeightsFile } from '../../work/read-weights-file.js';
import { readTensors } from './read-weights.js';
import { formatOf } from './weights-format.js';

export interface WeightsInfoOptions {
  readonly json?: boolean;
}

interface WeightsInfo {
  readonly path: string;
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the tensors lie inside a checkpoint: `--unwrap` is needed to convert it. */
  readonly wrapped: boolean;
  /** Name in the registry, where the file is one of its. */
  readonly registered: string | null;
  readonly tensorBytes: number;
  readonly dtypes: Readonly<Record<string, number>>;
  readonly fits: readonly Fit[];
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
}

function countBy(entries: Iterable<StateDictEntry>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { dtype } of entries) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return counts;
}

async function inspect(path: string): Promise<WeightsInfo> {
  const { WEIGHTS } = await import('@dskd/weights');
  const bytes = await readWeightsFile(path);
  const { tensors, wrapped } = await readTensors(bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    path,
    format: formatOf(bytes),
    bytes: bytes.byteLength,
    sha256,
    wrapped,
    registered: WEIGHTS.find((entry) => sha256.startsWith(entry.sha256))?.name ?? null,
    tensorBytes: [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    dtypes: countBy(tensors.values()),
    fits: await fitBackbones(tensors),
    tensors: [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
}

/** Prints what a weight file holds, and which backbone it fits. */
export async function weightsInfo(path: string, { json }: WeightsInfoOptions): Promise<void> {
  const info = await inspect(path);
  if (json) {
    printJson(info);
    return;
  }
  const facts: [string, string][] = [
    ['format', info.wrapped ? `${info.format}, a checkpoint: convert it with --unwrap` : info.format],
    ['size', `${info.bytes} bytes, ${info.tensorBytes} of them tensors`],
    ['SHA-256', info.sha256],
    ['registered', info.registered === null ? 'no' : `as ${info.registered}`],
    [
      'tensors',
      `${info.tensors.length}: ${Object.entries(info.dtypes)
        .map(([dtype, n]) => `${n} ${dtype}`)
        .join(', ')}`,
    ],
    ['fits', describeFits(info.fits) || 'no backbone that dskd knows'],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) printLine(`${name.padEnd(width)}  ${value}`);
  printLine();
  printLine(
    formatTable(
      ['tensor', 'type', 'shape'],
      info.tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`]),
    ),
  );
}
