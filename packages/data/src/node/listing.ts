import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { isHeatMap, isPassedOver, kindByName, refusal } from '../image-format.js';
import { byCodeUnit, datasetError, type DatasetProblem, firstFew } from '../samples.js';
import { DiskNames } from './disk-names.js';

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

const HEAT_MAPS = 'heat maps of dskd predict';
const SPECIAL = 'no regular files (FIFO, socket or device)';

/** One sentence for each kind of file that was left out, with the first few names. */
export function leftOutWarnings(leftOut: readonly LeftOut[]): string[] {
  return [...new Set(leftOut.map(({ kind }) => kind))].map((kind) => {
    const names = leftOut.filter((each) => each.kind === kind).map(({ name }) => name);
    return `${names.length} ${names.length === 1 ? 'file is' : 'files are'} left out, ${kind}: ${firstFew(names)}`;
  });
}

export async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}

export async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new DskdError('file-not-found', `Cannot read the folder ${folder}: ${(cause as Error).message}`, {
      cause,
      hint: 'Check that it exists and is readable.',
      details: { path: folder },
    });
  }
}

/** What an entry is, after links. A dangling link counts as a file, which then cannot be read. */
async function typeOf(folder: string, entry: Dirent): Promise<'folder' | 'file' | 'special'> {
  const target = entry.isSymbolicLink()
    ? await stat(path.join(folder, entry.name)).catch(() => undefined)
    : entry;
  if (target?.isDirectory()) return 'folder';
  return !target || target.isFile() ? 'file' : 'special';
}

/**
 * Lists a folder. Hidden files and folders (a leading dot), `Thumbs.db`, `desktop.ini` and `__MACOSX` are ignored,
 * and so are files without an image extension (in upper or lower case). A folder is listed as a folder, even if it is
 * named like an image. Links are followed. A dangling link with an image extension is listed as an image and fails
 * when it is read.
 * @throws {DskdError} `file-not-found` if the folder cannot be read.
 */
export async function listFolder(folder: string): Promise<FolderListing> {
  const listing = { folders: [] as string[], images: [] as string[], refused: [] as string[] };
  const leftOut: LeftOut[] = [];
  for (const entry of await entriesOf(folder)) {
    const { name } = entry;
    if (isPassedOver(name)) continue;
    const type = await typeOf(folder, entry);
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

export interface TreeListing {
  /** Paths relative to the folder, forward slashes, sorted by code unit. */
  readonly images: readonly string[];
  readonly refused: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * {@link listFolder} for a folder and all its subfolders. A folder that links to one of its parents is read once.
 * @param options.without folders that are not read, with their subfolders; they need not exist.
 */
export async function listTree(
  root: string,
  { without = [] }: { readonly without?: readonly string[] } = {},
): Promise<TreeListing> {
  const images: string[] = [];
  const refused: string[] = [];
  const leftOut: LeftOut[] = [];
  const seen = new Set(await Promise.all(without.map(realPathOf)));
  const visit = async (relative: string): Promise<void> => {
    const folder = path.join(root, relative);
    const real = await realpath(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const listing = await listFolder(folder);
    const inTree = (name: string): string => path.posix.join(relative, name);
    images.push(...listing.images.map(inTree));
    refused.push(...listing.refused.map(inTree));
    leftOut.push(...listing.leftOut.map(({ name, kind }) => ({ name: inTree(name), kind })));
    for (const name of listing.folders) await visit(inTree(name));
  };
  await visit('');
  leftOut.sort((a, b) => byCodeUnit(a.name, b.name));
  return { images: images.sort(byCodeUnit), refused: refused.sort(byCodeUnit), leftOut };
}

async function realPathOf(folder: string): Promise<string> {
  return realpath(folder).catch(() => path.resolve(folder));
}

export interface ListImagesOptions {
  /** Whether images in unsupported formats are listed, too; they fail when they are read. Default `'refused'`. */
  readonly unsupported?: 'refused' | 'listed';
  /**
   * Whether paths at which nothing is are listed, too, if there are images at others; they fail when they are read. Default
   * `'refused'`.
   */
  readonly missing?: 'refused' | 'listed';
  /** Is told, in one sentence each, which files of the folders were left out and why. */
  readonly onWarning?: (warning: string) => void;
}

/**
 * Lists the images at `paths`: files as given, folders with all their subfolders, by the rules of `openSource`. Heat
 * maps that `dskd predict` wrote
 * (`NAME.overlay.png`, `NAME.explained.png`) and FIFOs, sockets and devices in a folder are left out.
 * @returns each image once, sorted by path.
 * @throws {DskdError} `file-not-found` if a path does not exist (unless it is listed); `dataset-invalid` if a folder contains no images or
 * unsupported ones. All problems are in one error.
 */
export async function listImages(
  paths: readonly string[],
  { unsupported = 'refused', missing: ofMissing = 'refused', onWarning }: ListImagesOptions = {},
): Promise<string[]> {
  const found = new Set<string>();
  const missing: string[] = [];
  const problems: DatasetProblem[] = [];
  const names = new DiskNames();
  for (const written of paths) {
    const given = await names.find(written);
    const information = await stat(given).catch(() => undefined);
    if (!information) missing.push(written);
    else if (!information.isDirectory()) found.add(path.normalize(given));
    else {
      const { images, refused, leftOut } = await listTree(given);
      const listed = unsupported === 'listed' ? [...images, ...refused] : images;
      for (const name of listed) found.add(path.join(given, name));
      if (unsupported === 'refused') {
        for (const name of refused) problems.push({ path: path.join(given, name), problem: refusal(name) });
      }
      const inGiven = leftOut.map(({ name, kind }) => ({ name: path.join(given, name), kind }));
      for (const warning of leftOutWarnings(inGiven)) onWarning?.(warning);
      if (images.length + refused.length === 0) {
        problems.push({ path: given, problem: holdsNoImages(leftOut) });
      }
    }
  }
  if (ofMissing === 'listed' && found.size > 0) {
    for (const written of missing) found.add(path.normalize(written));
  } else if (missing.length > 0) {
    throw new DskdError('file-not-found', `There is no file or folder ${missing.join(', ')}.`, {
      details: { missing, problems },
    });
  }
  if (problems.length > 0) throw datasetError(paths.join(', '), problems);
  return [...found].sort(byCodeUnit);
}

/** Problem text for a folder without images. */
export function holdsNoImages(leftOut: readonly LeftOut[]): string {
  return ['the folder holds no images', ...leftOutWarnings(leftOut)].join('; ');
}
