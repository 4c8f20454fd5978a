import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isDskdError, throwIfAborted } from '@dskd/base';
import { limiter } from '../limiter.js';
import { byCodeUnit, type ImageSource, type Sample } from '../samples.js';
import { decodeImage, decodeMask, inspectImage } from './decode.js';
import { datasetError, type DatasetProblem } from './problems.js';
import { loadSharp } from './sharp.js';

/** A sample that lies in files, before it was looked at. */
export interface FileEntry extends Pick<Sample, 'id' | 'split' | 'label' | 'defectType'> {
  /** Path of the mask relative to the root, if there is one. */
  readonly mask?: string;
}

const CONCURRENCY = 4;

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** What is wrong with one entry's files: a list, empty if nothing. */
async function inspectEntry(root: string, { id, mask }: FileEntry): Promise<DatasetProblem[]> {
  const problems: DatasetProblem[] = [];
  const look = async (relative: string): Promise<{ width: number; height: number } | undefined> => {
    const file = path.join(root, relative);
    try {
      return await inspectImage(file);
    } catch (error) {
      if (!isDskdError(error)) throw error;
      problems.push({ path: relative, problem: error.message.replace(`${file}: `, '').replace(/\.$/, '') });
      return undefined;
    }
  };
  const size = await look(id);
  if (mask !== undefined) {
    const maskSize = await look(mask);
    if (size && maskSize && (size.width !== maskSize.width || size.height !== maskSize.height)) {
      problems.push({
        path: mask,
        problem:
          `the mask is ${maskSize.width} x ${maskSize.height}, ` +
          `its picture ${id} ${size.width} x ${size.height}`,
      });
    }
  }
  return problems;
}

function sampleOf(root: string, { id, split, label, defectType, mask }: FileEntry): Sample {
  return {
    id,
    split,
    label,
    defectType,
    load: () => decodeImage(path.join(root, id)),
    ...(mask === undefined ? {} : { loadMask: () => decodeMask(path.join(root, mask)) }),
  };
}

/**
 * Looks at every file and makes the source.
 * @param problems found so far; thrown together with those of the files.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function fileSource(options: {
  readonly root: string;
  readonly entries: readonly FileEntry[];
  readonly problems: readonly DatasetProblem[];
  readonly hint?: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<ImageSource> {
  const { root, problems, hint, signal } = options;
  const entries = [...options.entries].sort((a, b) => byCodeUnit(a.id, b.id));
  // Once and first: otherwise every picture would be called unreadable where it is missing.
  await loadSharp();
  const limit = limiter(CONCURRENCY);
  const found = await Promise.all(
    entries.map((entry) =>
      limit(() => {
        throwIfAborted(signal);
        return inspectEntry(root, entry);
      }),
    ),
  );
  const all = [...problems, ...found.flat()];
  if (all.length > 0) throw datasetError(root, all, hint);

  return {
    name: path.basename(path.resolve(root)),
    samples: entries.map((entry) => sampleOf(root, entry)),
    async fingerprint({ signal: fingerprintSignal } = {}) {
      const hash = createHash('sha256');
      for (const { id, split, label, defectType, mask } of entries) {
        throwIfAborted(fingerprintSignal);
        const picture = await sha256(path.join(root, id));
        const maskHash = mask === undefined ? null : await sha256(path.join(root, mask));
        hash.update(`${JSON.stringify([id, split, label, defectType, picture, maskHash])}\n`);
      }
      return hash.digest('hex');
    },
  };
}
