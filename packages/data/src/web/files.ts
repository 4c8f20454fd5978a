import { isDskdError, throwIfAborted } from '@dskd/base';
import { sha256, sourceOf } from '../fingerprint.js';
import { categoriesError, findCategories } from '../layouts/categories.js';
import { duplicateProblems } from '../layouts/duplicates.js';
import { MVTEC_AD_HINT, MvtecAdReader } from '../layouts/mvtec-ad-reader.js';
import { plainFolders } from '../layouts/plain-folder.js';
import type { FileEntry } from '../layouts/tree.js';
import {
  byCodeUnit,
  datasetError,
  type DatasetProblem,
  type ImageSource,
  LOGICAL,
  type Sample,
  STRUCTURAL,
} from '../samples.js';
import { decodeMask } from './decode-mask.js';
import { decodeImage, readableFormat } from './decode.js';
import { commonFolder, FileTree } from './file-tree.js';
import { type ChosenFiles, type ReadFiles, readNamedFiles } from './named-files.js';

export interface OpenFilesOptions {
  /** Name of the source. Default: that of the folder that was chosen, or `'files'`. */
  readonly name?: string;
  /** Which of the files show good parts, bad parts and masks, instead of a layout that is detected. */
  readonly folders?: ChosenFiles;
  /**
   * What the caller says of all images, also of those in several folders. Default: they are good, and must be in one
   * folder.
   */
  readonly label?: 'good' | 'anomalous';
  /** Whether each anomalous image must have a mask. Default `'optional'`. */
  readonly masks?: 'required' | 'optional';
  /** Whether identical files (byte for byte) may occur in two splits or with two labels. Default `'refused'`. */
  readonly duplicates?: 'refused' | 'allowed';
  readonly signal?: AbortSignal;
}

/** Path of a file in the folder that the user chose, or its name. */
function pathOf(file: File): string {
  return file.webkitRelativePath || file.name;
}

interface Layout extends ReadFiles {
  readonly hint?: string;
  readonly choose?: readonly string[] | undefined;
}

async function readCategory(tree: FileTree, masks: OpenFilesOptions['masks']): Promise<Layout> {
  const reader = new MvtecAdReader(tree, masks ?? 'optional');
  await reader.read();
  const warnings = await reader.allWarnings();
  for (const subset of [LOGICAL, STRUCTURAL]) {
    if (await tree.isFolder(`ground_truth/${subset}`)) {
      warnings.push(`masks of single defects, as in ground_truth/${subset}, are not read in a browser`);
    }
  }
  const { entries, problems, choose } = reader;
  return { entries, problems, warnings, hint: MVTEC_AD_HINT, choose };
}

/** @throws {DskdError} `dataset-invalid`, `invalid-argument` */
async function layoutOf(
  tree: FileTree,
  { folders, label, masks }: Pick<OpenFilesOptions, 'folders' | 'label' | 'masks'>,
): Promise<Layout> {
  if (folders) return readNamedFiles(tree, folders, masks);
  if (await tree.isFolder('train')) return readCategory(tree, masks);
  const categories = await findCategories(tree);
  if (categories.length > 0) throw categoriesError(tree, categories, 'Choose the folder of one of them.');
  return readNamedFiles(tree, await plainFolders(tree, label), masks);
}

/** Inspects files: their first bytes and container structure. */
class Inspector {
  readonly problems: DatasetProblem[] = [];

  constructor(readonly files: ReadonlyMap<string, File>) {}

  /** @returns the SHA-256 of a file; empty if it has a problem. */
  async hashOf(path: string, isMask: boolean): Promise<string> {
    const file = this.files.get(path)!;
    const bytes = new Uint8Array(await file.arrayBuffer());
    try {
      const format = readableFormat(bytes, path);
      if (!isMask || format !== 'jpeg') return await sha256(bytes);
      const problem = 'a mask must be stored without loss (PNG, WebP, BMP), not as JPEG';
      this.problems.push({ path, problem });
    } catch (error) {
      if (!isDskdError(error, 'image-unreadable')) throw error;
      this.problems.push({ path, problem: String(error.details.problem) });
    }
    return '';
  }

  async sampleOf({ id, split, label, defectType, mask }: FileEntry): Promise<Sample> {
    const file = this.files.get(id)!;
    const sample: Sample = {
      id,
      split,
      label,
      defectType,
      origin: { sha256: await this.hashOf(id, false) },
      load: (options) => decodeImage(file, options),
    };
    if (mask === undefined) return sample;
    const maskFile = this.files.get(mask)!;
    return {
      ...sample,
      maskOrigin: { sha256: await this.hashOf(mask, true) },
      loadMask: () => decodeMask(maskFile),
    };
  }
}

/**
 * Opens files that the user chose or dropped, by the same rules as `openSource` of `@dskd/data/node`: a folder `train` in the chosen
 * one makes it a category in the layout of MVTec AD; other images are good, all in one folder, or in `good` beside `defects`
 * and `masks`. Images in several folders, and several categories, are refused: otherwise bad parts might be trained on
 * unnoticed. The same names are ignored or refused. Ids are relative to the folder that contains all files.
 *
 * The first bytes and the container structure of each file are checked. Masks are found by their names and decoded when they are
 * asked for.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`, and in `details.choose` the folders of which the
 * caller has to say what they contain; `invalid-argument`, `dependency-missing`, `aborted`
 */
export async function openFiles(
  files: Iterable<File>,
  { name, signal, duplicates, ...options }: OpenFilesOptions = {},
): Promise<ImageSource> {
  throwIfAborted(signal);
  const all = [...files];
  const top = commonFolder(all.map(pathOf));
  const byPath = new Map<string, File>();
  const problems: DatasetProblem[] = [];
  for (const file of all) {
    const path = pathOf(file).slice(top === '' ? 0 : top.length + 1);
    if (byPath.has(path)) problems.push({ path, problem: 'two files have this path' });
    else byPath.set(path, file);
  }
  const root = top || 'files';
  const title = name ?? root;
  const layout = await layoutOf(new FileTree(root, byPath.keys()), options);
  const inspector = new Inspector(byPath);
  const samples: Sample[] = [];
  for (const entry of [...layout.entries].sort((a, b) => byCodeUnit(a.id, b.id))) {
    throwIfAborted(signal);
    samples.push(await inspector.sampleOf(entry));
  }
  const hashed = samples.map((sample) => ({ ...sample, sha256: sample.origin!.sha256 }));
  problems.push(...layout.problems, ...inspector.problems);
  if (duplicates !== 'allowed') problems.push(...duplicateProblems(hashed));
  if (problems.length > 0) {
    throw datasetError(title, problems, layout.hint, layout.choose && { choose: layout.choose });
  }
  return { ...sourceOf(title, samples), warnings: layout.warnings };
}
