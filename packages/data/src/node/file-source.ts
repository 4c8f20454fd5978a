import path from 'node:path';
import { throwIfAborted } from '@dskd/base';
import { contentWarnings } from '../content-warnings.js';
import { sourceOf } from '../fingerprint.js';
import { duplicateProblems } from '../layouts/duplicates.js';
import type { FileEntry } from '../layouts/tree.js';
import { limiter } from '../limiter.js';
import { byCodeUnit, datasetError, type DatasetProblem, type ImageSource, type Sample } from '../samples.js';
import { decodeMask } from './decode-mask.js';
import { decodeImage } from './decode.js';
import {
  type DefectKinds,
  type InspectedEntry,
  inspectEntry,
  loadRegions,
  loadUnion,
} from './inspect-entry.js';
import { loadSharp } from './sharp.js';

/** Checks that are made when a source is opened. */
export interface CheckOptions {
  /**
   * Decodes every image, which also finds damage in its middle, and tells in `warnings` what is odd about their content.
   * Default false: only headers, file ends and masks are checked.
   */
  readonly thorough?: boolean;
  /**
   * Whether identical files (byte for byte) may occur in two splits or with two labels. Default `'refused'`: testing
   * on an image that was trained on is meaningless.
   */
  readonly duplicates?: 'refused' | 'allowed';
  readonly signal?: AbortSignal;
}

const CONCURRENCY = 4;

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
    load: (options) => decodeImage(file, options),
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
 * Inspects every file and makes the source.
 * @param options.root ids and masks are relative to it.
 * @param options.name of the source, and of the dataset in messages; default: the name of the root folder.
 * @param options.kinds types of defects by their values in the masks of regions; undefined if they could not be read,
 * which is then one of the problems.
 * @param options.problems found so far; thrown together with those of the files.
 * @param options.warnings of the source.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function fileSource(options: {
  readonly root: string;
  readonly name?: string;
  readonly entries: readonly FileEntry[];
  readonly kinds?: DefectKinds;
  readonly problems: readonly DatasetProblem[];
  readonly warnings?: readonly string[];
  readonly hint?: string;
  /** Folders of which the caller has to say what they contain, for `details.choose` of the error. */
  readonly choose?: readonly string[];
  readonly checks: CheckOptions;
}): Promise<ImageSource> {
  const { root, hint, kinds, checks } = options;
  const entries = [...options.entries].sort((a, b) => byCodeUnit(a.id, b.id));
  // Checked once, up front: otherwise every image would be reported as unreadable if sharp is missing.
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
        : "Remove the duplicates from one side, or open the source with duplicates: 'allowed'.",
      options.choose && { choose: options.choose },
    );
  }
  const source = sourceOf(
    path.basename(path.resolve(options.name ?? root)),
    inspected.map((entry) => sampleOf(root, entry)),
  );
  // Otherwise only some images were decoded; a training decodes all and warns itself.
  const contents = thorough
    ? inspected.flatMap(({ id, facts }) => (facts ? [{ id, facts, constant: facts.constant }] : []))
    : [];
  return { ...source, warnings: [...(options.warnings ?? []), ...contentWarnings(contents)] };
}
