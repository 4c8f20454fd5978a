import { isHeatMap, isPassedOver, kindByName } from '../image-format.js';
import { byCodeUnit, firstFew, type Sample } from '../samples.js';

/** A file with the name of an image that is not taken for one. */
export interface LeftOut {
  /** Relative to the listed folder. */
  readonly name: string;
  /** What it is, in the plural. */
  readonly kind: string;
}

export interface FolderListing {
  /** Names of folders, sorted. */
  readonly folders: readonly string[];
  /** Names of files with a supported image extension, sorted. */
  readonly images: readonly string[];
  /** Names of images in unsupported formats, sorted. */
  readonly refused: readonly string[];
  /** Names with an image extension that are no images: FIFOs, sockets, devices, heat maps of `dskd predict`. */
  readonly leftOut: readonly LeftOut[];
}

export interface TreeListing {
  /** Paths relative to the folder, forward slashes, sorted by code unit. */
  readonly images: readonly string[];
  readonly refused: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Folders and files of a dataset, on a disk or in a selection of a browser. Folders are paths relative to its root with forward
 * slashes; `''` is the root itself.
 */
export interface FolderTree {
  /** Name of the root in messages. */
  readonly root: string;
  /** In hints: the options that say which folders show good and bad parts. */
  readonly naming: string;
  /** A folder as the caller would write it. */
  nameOf(folder: string): string;
  isFolder(folder: string): Promise<boolean>;
  list(folder: string): Promise<FolderListing>;
  /** Lists a folder with its subfolders, but for those in `without`. */
  listTree(folder: string, options: { readonly without: readonly string[] }): Promise<TreeListing>;
  /** The name of a folder as it is in `parent`, where it may be in another form of Unicode; as given if there is none. */
  findName(parent: string, name: string): Promise<string>;
}

/** An image of a dataset, before its files were inspected. */
export interface FileEntry extends Pick<Sample, 'id' | 'split' | 'label' | 'defectType'> {
  /** Path of the mask relative to the root, if there is one. */
  readonly mask?: string;
  /** Paths of the masks relative to the root if each defect has its own mask; `mask` is then not set. */
  readonly regions?: readonly string[];
  /** Where the entry is listed, for messages, such as `line 3`. */
  readonly named?: string;
}

/** Joins two paths with forward slashes, of which either may be empty. */
export function joined(folder: string, name: string): string {
  return folder === '' || name === '' ? folder + name : `${folder}/${name}`;
}

/** The last name of a path with forward slashes. */
export function lastName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/**
 * A name in the composed form (NFC) of Unicode. macOS tools write `é` as `e` and an accent (NFD), most other programs as
 * one character; both look the same, but are different names for a file system.
 */
export function composed(name: string): string {
  return name.normalize('NFC');
}

const HEAT_MAPS = 'heat maps of dskd predict';
const SPECIAL = 'no regular files (FIFO, socket or device)';

/**
 * Sorts the entries of a folder. Hidden files and folders (a leading dot), `Thumbs.db`, `desktop.ini` and `__MACOSX` are
 * ignored, and so are files without an image extension (in upper or lower case). A folder is a folder, even if it is
 * named like an image.
 */
export function listingOf(
  entries: Iterable<{ readonly name: string; readonly type: 'folder' | 'file' | 'special' }>,
): FolderListing {
  const listing = { folders: [] as string[], images: [] as string[], refused: [] as string[] };
  const leftOut: LeftOut[] = [];
  for (const { name, type } of entries) {
    if (isPassedOver(name)) continue;
    const kind = kindByName(name);
    if (type === 'folder') listing.folders.push(name);
    else if (kind === 'other') continue;
    else if (type === 'special') leftOut.push({ name, kind: SPECIAL });
    else if (isHeatMap(name)) leftOut.push({ name, kind: HEAT_MAPS });
    else listing[kind === 'readable' ? 'images' : 'refused'].push(name);
  }
  for (const names of Object.values(listing)) names.sort(byCodeUnit);
  leftOut.sort((a, b) => byCodeUnit(a.name, b.name));
  return { ...listing, leftOut };
}

/** One sentence for each kind of file that was left out, with the first few names. */
export function leftOutWarnings(leftOut: readonly LeftOut[]): string[] {
  return [...new Set(leftOut.map(({ kind }) => kind))].map((kind) => {
    const names = leftOut.filter((each) => each.kind === kind).map(({ name }) => name);
    return `${names.length} ${names.length === 1 ? 'file is' : 'files are'} left out, ${kind}: ${firstFew(names)}`;
  });
}

/** Problem text for a folder without images. */
export function holdsNoImages(leftOut: readonly LeftOut[]): string {
  return ['the folder holds no images', ...leftOutWarnings(leftOut)].join('; ');
}
