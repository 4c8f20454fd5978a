import { createHash } from 'node:crypto';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { BackboneName } from '@dskd/models';
import { writeSafetensors, type StateDict } from '@dskd/weights';
import { printJson, printLine } from '../../output/print.js';
import { describeFits, fitBackbones, formatOf, readTensors, readWeightsFile } from './read.js';

export interface ConvertWeightsOptions {
  readonly json?: boolean;
  /** Looks inside a checkpoint for its state dict, and drops `module.` at the start of names. */
  readonly unwrap?: boolean;
  /** The entry of a checkpoint that contains the state dict, if `unwrap` does not find it. */
  readonly entry?: string | undefined;
  /** Prefix to drop from the names that begin with it. */
  readonly stripPrefix?: string | undefined;
  /** Keeps only the tensors that this backbone reads. */
  readonly backbone?: string | undefined;
}

/** Number of dropped tensors whose names are printed. `--json` has all. */
const LISTED = 12;

/** @throws {DskdError} `invalid-argument` if no name begins with it or two names would become equal. */
function stripPrefix(tensors: StateDict, prefix: string): StateDict {
  const stripped: StateDict = new Map();
  let found = false;
  for (const [name, entry] of tensors) {
    const begins = name.startsWith(prefix) && name.length > prefix.length;
    const short = begins ? name.slice(prefix.length) : name;
    if (stripped.has(short)) {
      throw new DskdError('invalid-argument', `Without '${prefix}' two tensors would be called '${short}'.`);
    }
    found ||= begins;
    stripped.set(short, entry);
  }
  if (!found) {
    const [example] = tensors.keys();
    throw new DskdError('invalid-argument', `No tensor's name begins with '${prefix}'.`, {
      hint: `The first is called '${example ?? ''}'; dskd weights info lists them all.`,
    });
  }
  return stripped;
}

/**
 * The tensors that a backbone reads. Those of its default levels must be there; those of its other levels are optional.
 * @throws {DskdError} `weights-mismatch`, with the backbones that the file fits.
 */
async function keepTensorsOf(given: StateDict, name: string): Promise<StateDict> {
  const { backboneInfo } = await import('@dskd/models');
  const backbone = name as BackboneName;
  const { availableLevels } = backboneInfo(backbone);
  const tensors = backboneInfo(backbone).withOwnNames(given);
  const usable = backboneInfo(backbone).weightShapes({ levels: availableLevels.map((level) => level.name) });
  const problems = [...backboneInfo(backbone).weightShapes()].flatMap(([tensor, shape]) => {
    const got = tensors.get(tensor);
    if (!got) return [`'${tensor}' [${shape.join(', ')}] is missing`];
    const same = String(got.shape) === String(shape);
    return same ? [] : [`'${tensor}' is [${got.shape.join(', ')}], wanted [${shape.join(', ')}]`];
  });
  if (problems.length > 0) {
    const fits = await fitBackbones(tensors);
    throw new DskdError(
      'weights-mismatch',
      `These are not weights of ${name}: ${problems[0]!}, and ${problems.length - 1} more problems.`,
      {
        hint: fits.length === 0 ? 'They fit no backbone that dskd knows.' : `They fit ${describeFits(fits)}.`,
        details: { problems, fits },
      },
    );
  }
  return new Map([...tensors].filter(([tensor]) => usable.has(tensor)));
}

/** Writes the tensors of a weight file as safetensors. */
export async function convertWeights(
  input: string,
  output: string,
  { json, unwrap = false, entry, stripPrefix: prefix, backbone }: ConvertWeightsOptions,
): Promise<void> {
  if (path.extname(output) !== '.safetensors') {
    throw new DskdError(
      'invalid-argument',
      `The result is called ${output}; wanted a name that ends in .safetensors.`,
    );
  }
  const bytes = await readWeightsFile(input);
  const { tensors: all, wrapped } = readTensors(bytes, entry ?? unwrap);
  if (wrapped && !unwrap && entry === undefined) {
    throw new DskdError('weights-invalid', `${input} is a checkpoint: its tensors are inside an entry.`, {
      hint: 'Add --unwrap to look for them there.',
    });
  }
  const renamed = prefix === undefined ? all : stripPrefix(all, prefix);
  const kept = backbone === undefined ? renamed : await keepTensorsOf(renamed, backbone);
  // Renamed ones keep their data.
  const entries = new Set(kept.values());
  const dropped = [...renamed].filter(([, tensor]) => !entries.has(tensor)).map(([name]) => name);
  // Other readers of safetensors expect this metadata for weights from PyTorch.
  const file = writeSafetensors(kept, { format: 'pt' });
  await writeFileAtomically(output, file);
  const result = {
    input,
    format: formatOf(bytes),
    output,
    tensors: kept.size,
    bytes: file.byteLength,
    sha256: createHash('sha256').update(file).digest('hex'),
    dropped,
  };
  if (json) {
    printJson({ type: 'weights-converted', ...result });
    return;
  }
  printLine(`read ${result.format}: ${all.size} tensors`);
  if (dropped.length > 0) {
    const more = dropped.length > LISTED ? ` and ${dropped.length - LISTED} more` : '';
    printLine(`dropped ${dropped.length}: ${dropped.slice(0, LISTED).join(', ')}${more}`);
  }
  printLine(`saved ${output}: ${kept.size} tensors, ${(file.byteLength / 2 ** 20).toFixed(1)} MiB`);
  printLine(`SHA-256 ${result.sha256}`);
}
