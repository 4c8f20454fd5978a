import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { refusal } from '../image-format.js';
import {
  datasetError,
  type DatasetProblem,
  type ImageSource,
  type Split,
  UNNAMED_DEFECT,
} from '../samples.js';
import { composed, DiskNames } from './disk-names.js';
import { fileSource, type CheckOptions } from './file-source.js';
import type { FileEntry } from './inspect-entry.js';
import { namesBad, namesGood } from './labels.js';
import { holdsNoImages, isFolder, type LeftOut, leftOutWarnings, listTree } from './listing.js';
import { MaskPairs, type Named, stemOf } from './mask-pairs.js';

/** Folders that the caller says the contents of. Each is read with its subfolders; a folder inside another is not. */
export interface NamedFolders {
  /** Folders of images of good parts: `train`. */
  readonly good?: string | readonly string[];
  /** Folders of images of bad parts: `test`. Subfolders, or several folders, name the types of defects. */
  readonly bad?: string | readonly string[];
  /**
   * Folders of the masks of `bad`, laid out like it: the mask of `x/7.png` is `x/7.png` or `x/7_mask.png`, also in a
   * subfolder called like the folder of bad parts.
   */
  readonly masks?: string | readonly string[];
  /** Split of the good images. Default `'train'`; `'test'` to evaluate on them. */
  readonly split?: Split;
}

export interface OpenFolderOptions extends CheckOptions {
  /** What ids are relative to. Default: the folder itself or, of several, the one that contains all. */
  readonly root?: string;
  /** Paths relative to `root`, or to the working folder if there is none. */
  readonly folders: NamedFolders;
  /** Whether each anomalous image must have a mask. Default `'optional'`. */
  readonly masks?: 'required' | 'optional';
}

type Role = 'good' | 'bad' | 'masks';
const ROLES: readonly Role[] = ['good', 'bad', 'masks'];

/** A folder that was named, by its absolute path. */
interface NamedFolder {
  readonly role: Role;
  /** As the caller wrote it. */
  readonly written: string;
  readonly absolute: string;
  /** The same after links. */
  readonly real: string;
}

function listOf(folders: string | readonly string[] | undefined): readonly string[] {
  return folders === undefined ? [] : typeof folders === 'string' ? [folders] : folders;
}

function isInside(inner: string, outer: string): boolean {
  return inner !== outer && inner.startsWith(outer.endsWith(path.sep) ? outer : outer + path.sep);
}

/** The innermost folder that contains all of `folders`, or is the only one. */
function commonFolder(folders: readonly string[]): string {
  let common = folders[0]!;
  while (!folders.every((folder) => folder === common || isInside(folder, common))) {
    const parent = path.dirname(common);
    if (parent === common) return common;
    common = parent;
  }
  return common;
}

/** @throws {DskdError} `invalid-argument` */
async function namedFolders(folders: NamedFolders, root = '.'): Promise<NamedFolder[]> {
  const names = new DiskNames();
  const named: NamedFolder[] = [];
  for (const role of ROLES) {
    for (const written of listOf(folders[role])) {
      const absolute = await names.find(path.resolve(root, written));
      const real = await realpath(absolute).catch(() => absolute);
      const same = named.find((other) => other.real === real && other.role !== role);
      if (same) {
        throw new DskdError('invalid-argument', `Got the folder ${written} as ${same.role} and as ${role}.`);
      }
      if (!named.some((other) => other.real === real)) named.push({ role, written, absolute, real });
    }
  }
  const has = (role: Role): boolean => named.some((folder) => folder.role === role);
  if (has('masks') && !has('bad')) {
    throw new DskdError('invalid-argument', 'Got a folder of masks, but no folder of bad parts.');
  }
  if (!has('good') && !has('bad')) {
    throw new DskdError('invalid-argument', 'Got no folder of good parts and none of bad parts.');
  }
  return named;
}

class FolderReader {
  readonly entries: FileEntry[] = [];
  readonly pairs: MaskPairs;
  readonly #problems: DatasetProblem[] = [];
  readonly #leftOut: LeftOut[] = [];

  constructor(
    readonly root: string,
    readonly named: readonly NamedFolder[],
    readonly split: Split,
    masks: OpenFolderOptions['masks'],
  ) {
    this.pairs = new MaskPairs(masks);
  }

  get problems(): DatasetProblem[] {
    return [...this.#problems, ...this.pairs.problems];
  }

  get warnings(): string[] {
    return [...this.pairs.warnings(), ...leftOutWarnings(this.#leftOut)];
  }

  async read(): Promise<void> {
    for (const folder of this.#of('good')) await this.#good(folder);
    await this.#bad();
  }

  #of(role: Role): NamedFolder[] {
    return this.named.filter((folder) => folder.role === role);
  }

  #report(where: string, problem: string): void {
    this.#problems.push({ path: where, problem });
  }

  #id({ absolute }: NamedFolder, name: string): string {
    return path.relative(this.root, path.join(absolute, name)).split(path.sep).join('/');
  }

  /** Readable images in a folder, as paths relative to it. Other named folders inside it, or linked, are left out. */
  async #images(folder: NamedFolder): Promise<readonly string[]> {
    const { absolute } = folder;
    const written = folder.written === '.' ? this.root : folder.written;
    if (!(await isFolder(absolute))) {
      this.#report(written, 'there is no such folder');
      return [];
    }
    const without = this.named.map((other) => other.real).filter((other) => other !== folder.real);
    const { images, refused, leftOut } = await listTree(absolute, { without });
    for (const name of refused) this.#report(this.#id(folder, name), refusal(name));
    this.#leftOut.push(...leftOut.map(({ name, kind }) => ({ name: this.#id(folder, name), kind })));
    if (images.length + refused.length === 0) this.#report(written, holdsNoImages(leftOut));
    return images;
  }

  async #good(folder: NamedFolder): Promise<void> {
    const bad = new Set<string>();
    for (const name of await this.#images(folder)) {
      const parts = name.split('/').slice(0, -1);
      const at = parts.findIndex(namesBad);
      if (at >= 0) bad.add(parts.slice(0, at + 1).join('/'));
      this.entries.push({ id: this.#id(folder, name), split: this.split, label: 'good', defectType: 'good' });
    }
    for (const name of bad) {
      this.#report(this.#id(folder, name), 'among the good parts, but named like bad parts, a test or masks');
    }
  }

  async #bad(): Promise<void> {
    const masks = await this.#masks();
    const folders = this.#of('bad');
    const images: Named[] = [];
    const types = new Map<string, string>();
    for (const folder of folders) {
      const base = path.basename(folder.absolute);
      const isNested = masks.some(({ stem }) => composed(stem).startsWith(`${composed(base)}/`));
      for (const name of await this.#images(folder)) {
        const id = this.#id(folder, name);
        images.push({ id, stem: stemOf(isNested ? `${base}/${name}` : name) });
        const subfolder = name.includes('/') ? name.slice(0, name.indexOf('/')) : undefined;
        if (subfolder !== undefined && namesGood(subfolder)) {
          this.#report(id, `an image in a folder named ${subfolder}, among the bad parts`);
        }
        types.set(id, subfolder ?? (folders.length > 1 ? base : UNNAMED_DEFECT));
      }
    }
    const where = folders.map(({ written }) => written).join(', ');
    const [first] = this.#of('masks');
    const pairs = this.pairs.pair(
      { folder: where, images, masks },
      (stem) => `${first ? this.#id(first, stem) : stem}.png`,
    );
    for (const { id } of images) {
      const mask = pairs.get(id);
      const entry = { id, split: 'test', label: 'anomalous', defectType: types.get(id)! } as const;
      this.entries.push(mask === undefined ? entry : { ...entry, mask });
    }
  }

  async #masks(): Promise<Named[]> {
    const masks: Named[] = [];
    for (const folder of this.#of('masks')) {
      for (const name of await this.#images(folder)) {
        masks.push({ id: this.#id(folder, name), stem: stemOf(name) });
      }
    }
    return masks;
  }
}

/**
 * Opens folders of images of which the caller says what they contain: good parts are `train` (or `split`), `good`;
 * bad parts are `test`, `anomalous`. Use `splitBySeed` to split off good images for testing.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `invalid-argument`,
 * `dependency-missing`, `aborted`
 */
export async function openFolder(options: OpenFolderOptions): Promise<ImageSource> {
  const { root: given, folders, masks, ...checks } = options;
  if (given !== undefined && !(await isFolder(given))) {
    throw datasetError(given, [{ path: given, problem: 'there is no such folder' }]);
  }
  const named = await namedFolders(folders, given);
  const root = path.resolve(given ?? commonFolder(named.map(({ absolute }) => absolute)));
  const reader = new FolderReader(root, named, folders.split ?? 'train', masks);
  await reader.read();
  return fileSource({
    root,
    ...(given !== undefined && { name: given }),
    entries: reader.entries,
    problems: reader.problems,
    warnings: reader.warnings,
    checks,
  });
}
