import {
  composed,
  type FolderListing,
  type FolderTree,
  joined,
  type LeftOut,
  listingOf,
  type TreeListing,
} from '../layouts/tree.js';
import { isPassedOver } from '../image-format.js';
import { byCodeUnit } from '../samples.js';

type Entries = Map<string, 'folder' | 'file'>;

/** The folder that all paths are in, as when a user chooses a folder; empty if there is none. */
export function commonFolder(paths: readonly string[]): string {
  const [first = ''] = paths;
  const top = first.slice(0, Math.max(0, first.indexOf('/')));
  return top !== '' && paths.every((path) => path.startsWith(`${top}/`)) ? top : '';
}

/** Files that were chosen in a browser, as a tree of folders. */
export class FileTree implements FolderTree {
  readonly naming = 'the option folders of openFiles';
  readonly #folders = new Map<string, Entries>([['', new Map<string, 'folder' | 'file'>()]]);

  /** @param paths of the files, relative to the root. */
  constructor(
    readonly root: string,
    paths: Iterable<string>,
  ) {
    for (const path of paths) this.#add(path);
  }

  nameOf(folder: string): string {
    return folder;
  }

  isFolder(folder: string): Promise<boolean> {
    return Promise.resolve(this.#folders.has(folder));
  }

  list(folder: string): Promise<FolderListing> {
    return Promise.resolve(this.#listing(folder));
  }

  listTree(folder: string, { without }: { readonly without: readonly string[] }): Promise<TreeListing> {
    const images: string[] = [];
    const refused: string[] = [];
    const leftOut: LeftOut[] = [];
    const visit = (inside: string): void => {
      const at = joined(folder, inside);
      if (without.includes(at)) return;
      const listing = this.#listing(at);
      const inTree = (name: string): string => joined(inside, name);
      images.push(...listing.images.map(inTree));
      refused.push(...listing.refused.map(inTree));
      leftOut.push(...listing.leftOut.map(({ name, kind }) => ({ name: inTree(name), kind })));
      for (const name of listing.folders) visit(inTree(name));
    };
    visit('');
    leftOut.sort((a, b) => byCodeUnit(a.name, b.name));
    return Promise.resolve({ images: images.sort(byCodeUnit), refused: refused.sort(byCodeUnit), leftOut });
  }

  findName(parent: string, name: string): Promise<string> {
    const names = [...(this.#folders.get(parent)?.keys() ?? [])];
    const found = names.includes(name) ? name : names.find((each) => composed(each) === composed(name));
    return Promise.resolve(found ?? name);
  }

  #add(path: string): void {
    const parts = path.split('/');
    // What is in a hidden folder is not there.
    if (parts.slice(0, -1).some(isPassedOver)) return;
    parts.reduce((folder, name, index) => {
      const inside = joined(folder, name);
      const isLast = index === parts.length - 1;
      this.#folders.get(folder)!.set(name, isLast ? 'file' : 'folder');
      if (!isLast && !this.#folders.has(inside)) this.#folders.set(inside, new Map());
      return inside;
    }, '');
  }

  #listing(folder: string): FolderListing {
    const entries = this.#folders.get(folder) ?? new Map<string, 'folder' | 'file'>();
    return listingOf([...entries].map(([name, type]) => ({ name, type })));
  }
}
