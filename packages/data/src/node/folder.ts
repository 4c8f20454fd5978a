import path from 'node:path';
import { DskdError } from '@dskd/base';
import { refusal } from '../image-format.js';
import { datasetError, type DatasetProblem, type ImageSource, UNNAMED_DEFECT } from '../samples.js';
import { fileSource, type CheckOptions } from './file-source.js';
import type { FileEntry } from './inspect-entry.js';
import { isFolder, listTree } from './listing.js';

export interface OpenFolderOptions extends CheckOptions {
  readonly root: string;
  /** Folder of the good images, relative to `root`. Default: `root` itself, without the other two folders. */
  readonly good?: string;
  /** Folder of the images with defects, relative to `root`; its subfolders name the types of defects. */
  readonly defects?: string;
  /** Folder of the masks of `defects`, relative to `root`, with the same layout: `x/7.png` or `x/7_mask.png`. */
  readonly masks?: string;
}

/** Path without its extension and without a suffix `_mask`. */
function stemOf(relative: string): string {
  return relative.replace(/(_mask)?\.[^./]+$/i, '');
}

class FolderReader {
  readonly entries: FileEntry[] = [];
  readonly problems: DatasetProblem[] = [];

  constructor(readonly root: string) {}

  report(where: string, problem: string): void {
    this.problems.push({ path: where, problem });
  }

  /** Readable images in `folder`, as paths relative to it; those in the folders `without` are left out. */
  async images(folder: string, without: readonly string[] = []): Promise<string[]> {
    const shown = folder === '.' ? this.root : folder;
    const absolute = path.resolve(this.root, folder);
    if (!(await isFolder(absolute))) {
      this.report(shown, 'there is no such folder');
      return [];
    }
    const others = without.map((other) => path.resolve(this.root, other) + path.sep);
    const belongs = (name: string): boolean =>
      !others.some((other) => path.resolve(absolute, name).startsWith(other));
    const tree = await listTree(absolute);
    const images = tree.images.filter(belongs);
    const refused = tree.refused.filter(belongs);
    for (const name of refused) this.report(path.posix.join(folder, name), refusal(name));
    if (images.length + refused.length === 0) this.report(shown, 'the folder holds no images');
    return images;
  }

  async good(folder: string, without: readonly string[]): Promise<void> {
    for (const name of await this.images(folder, without)) {
      const id = path.posix.join(folder, name);
      this.entries.push({ id, split: 'train', label: 'good', defectType: 'good' });
    }
  }

  async defects(folder: string, masks: string | undefined): Promise<void> {
    const truths = masks === undefined ? undefined : await this.masksByStem(masks);
    for (const name of await this.images(folder)) {
      const id = path.posix.join(folder, name);
      const defectType = name.includes('/') ? name.slice(0, name.indexOf('/')) : UNNAMED_DEFECT;
      if (defectType === 'good') this.report(id, 'an image in a folder named good, among the defects');
      const mask = truths?.get(stemOf(name));
      truths?.delete(stemOf(name));
      const entry = { id, split: 'test', label: 'anomalous', defectType } as const;
      this.entries.push(mask === undefined ? entry : { ...entry, mask });
      if (truths && mask === undefined) {
        this.report(id, `its mask ${path.posix.join(masks!, stemOf(name))}.png is missing`);
      }
    }
    for (const mask of truths?.values() ?? []) this.report(mask, `a mask without an image in ${folder}`);
  }

  async masksByStem(folder: string): Promise<Map<string, string>> {
    const masks = new Map<string, string>();
    for (const name of await this.images(folder)) {
      const mask = path.posix.join(folder, name);
      const same = masks.get(stemOf(name));
      if (same === undefined) masks.set(stemOf(name), mask);
      else this.report(mask, `a second mask for the image of ${same}`);
    }
    return masks;
  }
}

/**
 * Opens a plain folder of images of good parts, including subfolders: they are `train`, `good`. With `defects`, the
 * images in that folder are `test`, `anomalous`; with `masks`, each of them must have a mask. Use `splitBySeed` to
 * split off good images for testing.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `invalid-argument`,
 * `dependency-missing`, `aborted`
 */
export async function openFolder(options: OpenFolderOptions): Promise<ImageSource> {
  const { root, good = '.', defects, masks, ...checks } = options;
  if (masks !== undefined && defects === undefined) {
    throw new DskdError('invalid-argument', `Got a folder of masks, ${masks}, but no folder of defects.`);
  }
  if (!(await isFolder(root))) throw datasetError(root, [{ path: root, problem: 'there is no such folder' }]);
  const reader = new FolderReader(root);
  await reader.good(
    good,
    [defects, masks].filter((folder) => folder !== undefined),
  );
  if (defects !== undefined) await reader.defects(defects, masks);
  return fileSource({ root, entries: reader.entries, problems: reader.problems, checks });
}
