import { createHash } from 'node:crypto';
import { WEIGHTS, type StateDictEntry } from '@dskd/weights';
import { alignedFacts, formatTable, printJson, printLine } from '../../output/print.js';
import { describeFits, fitBackbones, formatOf, readTensors, readWeightsFile, type Fit } from './read.js';

export interface WeightsInfoOptions {
  readonly json?: boolean;
}

interface WeightsInfo {
  readonly path: string;
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the tensors are inside a checkpoint, which needs `--unwrap` to convert it. */
  readonly wrapped: boolean;
  /** Name in the registry, where the file is registered. */
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
  const bytes = await readWeightsFile(path);
  const { tensors, wrapped } = readTensors(bytes);
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

/** Prints the tensors of a weight file and the backbones it fits. */
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
  printLine(alignedFacts(facts));
  printLine();
  printLine(
    formatTable(
      ['tensor', 'type', 'shape'],
      info.tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`]),
    ),
  );
}
