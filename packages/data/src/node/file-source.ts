import { createHash } from 'node:crypto';
import path from 'node:path';
import { isDskdError, throwIfAborted } from '@dskd/base';
import { sourceOf } from '../fingerprint.js';
import { limiter } from '../limiter.js';
import { datasetError, type DatasetProblem } from '../problems.js';
import { byCodeUnit, SPLITS, type ImageSource, type Sample } from '../samples.js';
import { decodeImage, decodeMask, inspectImage, inspectMask, readBytes } from './decode.js';
import { loadSharp } from './sharp.js';

/** How a source is checked when it is opened. */
export interface CheckOptions {
  /** Decodes every picture, to find damage in its middle too. Default false: headers, ends and masks. */
  readonly thorough?: boolean;
  /**
   * Whether the same file, byte for byte, may lie in two splits, or under two labels. Default `'refused'`:
   * a picture that was trained on tests nothing.
   */
  readonly duplicates?: 'refused' | 'allowed';
  readonly signal?: AbortSignal;
}

/** A sample that lies in files, before it was looked at. */
export interface FileEntry extends Pick<Sample, 'id' | 'split' | 'label' | 'defectType'> {
  /** Path of the mask relative to the root, if there is one. */
  readonly mask?: string;
  /** Where the entry was named, for messages, such as `line 3`. */
  readonly named?: string;
}

/** An entry whose files were looked at. */
interface InspectedEntry extends FileEntry {
  readonly sha256: string;
  readonly maskSha256: string;
}

const CONCURRENCY = 4;

/** Reads the files of an entry and tells `report` what is wrong with them. */
async function inspectEntry(
  root: string,
  entry: FileEntry,
  { thorough = false }: CheckOptions,
  report: (problem: DatasetProblem) => void,
): Promise<InspectedEntry> {
  const { id, label, mask, named } = entry;
  const tell = (where: string, problem: string): void =>
    report({ path: where, problem: named === undefined ? problem : `${problem} (${named})` });

  async function look<T>(
    relative: string,
    inspect: (bytes: Uint8Array, name: string) => Promise<T>,
  ): Promise<{ sha256: string; seen?: T }> {
    const file = path.resolve(root, relative);
    let sha256 = '';
    try {
      const bytes = await readBytes(file);
      sha256 = createHash('sha256').update(bytes).digest('hex');
      return { sha256, seen: await inspect(bytes, file) };
    } catch (error) {
      if (!isDskdError(error)) throw error;
      tell(relative, error.message.replace(`${file}: `, '').replace(/\.$/, ''));
      return { sha256 };
    }
  }

  const picture = await look(id, (bytes, name) => inspectImage(bytes, { name, thorough }));
  if (mask === undefined) return { ...entry, sha256: picture.sha256, maskSha256: '' };
  const truth = await look(mask, (bytes, name) => inspectMask(bytes, { name }));
  const size = picture.seen;
  const seen = truth.seen;
  if (size && seen && (size.width !== seen.width || size.height !== seen.height)) {
    tell(
      mask,
      `the mask is ${seen.width} x ${seen.height}, its picture ${id} ${size.width} x ${size.height}`,
    );
  }
  if (seen && label === 'anomalous' && seen.marked === 0) {
    tell(mask, `the mask marks nothing, but its picture ${id} is anomalous`);
  }
  if (seen && label === 'good' && seen.marked > 0) {
    tell(mask, `the mask marks ${seen.marked} pixels, but its picture ${id} is good`);
  }
  return { ...entry, sha256: picture.sha256, maskSha256: truth.sha256 };
}

/** Pictures that are the same file, byte for byte, in two splits or under two labels. */
function duplicateProblems(entries: readonly InspectedEntry[]): DatasetProblem[] {
  const problems: DatasetProblem[] = [];
  const first = new Map<string, InspectedEntry>();
  // Sorted, so that it is the test picture that is said to be in train, not the other way round.
  const bySplit = [...entries].sort((a, b) => SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split));
  for (const entry of bySplit) {
    const { id, sha256, split, label } = entry;
    if (sha256 === '') continue;
    const same = first.get(sha256);
    if (!same) first.set(sha256, entry);
    else if (same.split !== split || same.label !== label) {
      const role = same.split === split ? `which is ${same.label}` : `which is in ${same.split}`;
      problems.push({ path: id, problem: `the same file, byte for byte, as ${same.id}, ${role}` });
    }
  }
  return problems;
}

function sampleOf(
  root: string,
  { id, split, label, defectType, mask, sha256, maskSha256 }: InspectedEntry,
): Sample {
  const file = path.resolve(root, id);
  const sample: Sample = {
    id,
    split,
    label,
    defectType,
    origin: { file, sha256 },
    load: () => decodeImage(file),
  };
  if (mask === undefined) return sample;
  const maskFile = path.resolve(root, mask);
  return {
    ...sample,
    maskOrigin: { file: maskFile, sha256: maskSha256 },
    loadMask: () => decodeMask(maskFile),
  };
}

/**
 * Looks at every file and makes the source.
 * @param options.root ids and masks are relative to it.
 * @param options.name of the source, and of the dataset in messages; default: the root's.
 * @param options.problems found so far; thrown together with those of the files.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function fileSource(options: {
  readonly root: string;
  readonly name?: string;
  readonly entries: readonly FileEntry[];
  readonly problems: readonly DatasetProblem[];
  readonly hint?: string;
  readonly checks: CheckOptions;
}): Promise<ImageSource> {
  const { root, hint, checks } = options;
  const entries = [...options.entries].sort((a, b) => byCodeUnit(a.id, b.id));
  // Once and first: otherwise every picture would be called unreadable where it is missing.
  await loadSharp();
  const limit = limiter(CONCURRENCY);
  const problems = [...options.problems];
  const inspected = await Promise.all(
    entries.map((entry) =>
      limit(() => {
        throwIfAborted(checks.signal);
        return inspectEntry(root, entry, checks, (problem) => problems.push(problem));
      }),
    ),
  );
  const duplicates = checks.duplicates === 'allowed' ? [] : duplicateProblems(inspected);
  if (problems.length + duplicates.length > 0) {
    throw datasetError(
      options.name ?? root,
      [...problems, ...duplicates],
      problems.length > 0
        ? hint
        : "Take them out of one side, or open the source with duplicates: 'allowed'.",
    );
  }
  return sourceOf(
    path.basename(path.resolve(options.name ?? root)),
    inspected.map((entry) => sampleOf(root, entry)),
  );
}
