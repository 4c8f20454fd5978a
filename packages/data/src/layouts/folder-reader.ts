import { DskdError } from '@dskd/base';
import { refusal } from '../image-format.js';
import { type DatasetProblem, type Split, UNNAMED_DEFECT } from '../samples.js';
import { namesBad, namesGood } from './labels.js';
import { MaskPairs, type Named, stemOf } from './mask-pairs.js';
import {
  composed,
  type FileEntry,
  type FolderTree,
  holdsNoImages,
  joined,
  type LeftOut,
  leftOutWarnings,
} from './tree.js';

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

export type Role = 'good' | 'bad' | 'masks';
export const ROLES: readonly Role[] = ['good', 'bad', 'masks'];

/** A folder that was named. */
export interface NamedFolder {
  readonly role: Role;
  /** As the caller wrote it. */
  readonly written: string;
  /** Relative to the root of the tree. */
  readonly at: string;
  /** Its own name, also if it is the root. */
  readonly name: string;
  /** The same for two folders that are one, as after links. */
  readonly key: string;
}

export function listOf(folders: string | readonly string[] | undefined): readonly string[] {
  return folders === undefined ? [] : typeof folders === 'string' ? [folders] : folders;
}

/**
 * Adds a folder to those that were named, unless it is there in the same role.
 * @throws {DskdError} `invalid-argument` if it is there in another role.
 */
export function addNamed<T extends Omit<NamedFolder, 'at'>>(named: T[], folder: T): void {
  const { key, role, written } = folder;
  const same = named.find((other) => other.key === key);
  if (same && same.role !== role) {
    throw new DskdError('invalid-argument', `Got the folder ${written} as ${same.role} and as ${role}.`);
  }
  if (!same) named.push(folder);
}

/** @throws {DskdError} `invalid-argument` if there are neither good parts nor bad ones, or masks without bad ones. */
export function assertNamed(folders: readonly Pick<NamedFolder, 'role'>[]): void {
  const has = (role: Role): boolean => folders.some((folder) => folder.role === role);
  if (has('masks') && !has('bad')) {
    throw new DskdError('invalid-argument', 'Got a folder of masks, but no folder of bad parts.');
  }
  if (!has('good') && !has('bad')) {
    throw new DskdError('invalid-argument', 'Got no folder of good parts and none of bad parts.');
  }
}

/** Collects the entries and problems of named folders. */
export class FolderReader {
  readonly entries: FileEntry[] = [];
  readonly pairs: MaskPairs;
  readonly #problems: DatasetProblem[] = [];
  readonly #leftOut: LeftOut[] = [];

  constructor(
    readonly tree: FolderTree,
    readonly named: readonly NamedFolder[],
    readonly split: Split,
    masks: 'required' | 'optional' | undefined,
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

  #id({ at }: NamedFolder, name: string): string {
    return joined(at, name);
  }

  /** Readable images in a folder, as paths relative to it. Other named folders inside it, or linked, are left out. */
  async #images(folder: NamedFolder): Promise<readonly string[]> {
    const written = folder.written === '.' ? this.tree.root : folder.written;
    if (!(await this.tree.isFolder(folder.at))) {
      this.#report(written, 'there is no such folder');
      return [];
    }
    const without = this.named.filter(({ key }) => key !== folder.key).map(({ at }) => at);
    const { images, refused, leftOut } = await this.tree.listTree(folder.at, { without });
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
      const base = folder.name;
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
