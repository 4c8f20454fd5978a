import path from 'node:path';
import { throwIfAborted } from '@dskd/base';
import { sourceOf } from '../fingerprint.js';
import { limiter } from '../limiter.js';
import {
  byCodeUnit,
  datasetError,
  type DatasetProblem,
  type ImageSource,
  type Sample,
  SPLITS,
} from '../samples.js';
import { decodeImage, decodeMask } from './decode.js';
import {
  type DefectKinds,
  type FileEntry,
  type InspectedEntry,
  inspectEntry,
  loadRegions,
  loadUnion,
} from './inspect-entry.js';
import { loadSharp } from './sharp.js';

/** How a source is checked when it is opened. */
export interface CheckOptions {
  /** Decodes every image, to find damage in its middle too. Default false: headers, ends and masks. */
  readonly thorough?: boolean;
  /**
   * Whether the same file, byte for byte, may lie in two splits, or under two labels. Default `'refused'`:
   * an image that was trained on tests nothing.
   */
  readonly duplicates?: 'refused' | 'allowed';
  readonly signal?: AbortSignal;
}

const CONCURRENCY = 4;

/** Images that are the same file, byte for byte, in two splits or under two labels. */
function duplicateProblems(entries: readonly InspectedEntry[]): DatasetProblem[] {
  const problems: DatasetProblem[] = [];
  const first = new Map<string, InspectedEntry>();
  // Sorted, so that it is the test image that is said to be in train, not the other way round.
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
  { id, split, label, defectType, mask, regions, sha256, maskSha256 }: InspectedEntry,
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
  if (regions) {
    return {
      ...sample,
      maskOrigin: { sha256: maskSha256 },
      loadMask: () => loadUnion(regions),
      loadRegions: () => loadRegions(regions),
    };
  }
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
 * @param options.kinds of defects by the values in masks of regions; left out where they could not be told, which
 * is then among the problems.
 * @param options.problems found so far; thrown together with those of the files.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function fileSource(options: {
  readonly root: string;
  readonly name?: string;
  readonly entries: readonly FileEntry[];
  readonly kinds?: DefectKinds;
  readonly problems: readonly DatasetProblem[];
  readonly hint?: string;
  readonly checks: CheckOptions;
}): Promise<ImageSource> {
  const { root, hint, kinds, checks } = options;
  const entries = [...options.entries].sort((a, b) => byCodeUnit(a.id, b.id));
  // Once and first: otherwise every image would be called unreadable where it is missing.
  await loadSharp();
  const limit = limiter(CONCURRENCY);
  const problems = [...options.problems];
  const { thorough = false } = checks;
  const report = (problem: DatasetProblem): void => {
    problems.push(problem);
  };
  const inspected = await Promise.all(
    entries.map((entry) =>
      limit(() => {
        throwIfAborted(checks.signal);
        return inspectEntry(root, entry, { thorough, kinds, report });
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
