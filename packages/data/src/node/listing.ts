import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { refusal } from '../image-format.js';
import {
  type FolderListing,
  type FolderTree,
  holdsNoImages,
  type LeftOut,
  leftOutWarnings,
  listingOf,
  type TreeListing,
} from '../layouts/tree.js';
import { byCodeUnit, datasetError, type DatasetProblem } from '../samples.js';
import { DiskNames } from './disk-names.js';

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
 * Lists a folder by the rules of {@link listingOf}. Links are followed. A dangling link with an image extension is listed as an
 * image and fails when it is read.
 * @throws {DskdError} `file-not-found` if the folder cannot be read.
 */
export async function listFolder(folder: string): Promise<FolderListing> {
  const entries = await entriesOf(folder);
  return listingOf(
    await Promise.all(
      entries.map(async (entry) => ({ name: entry.name, type: await typeOf(folder, entry) })),
    ),
  );
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

/** Folders below `root` on disk. */
export function diskTree(root: string): FolderTree {
  const inside = (folder: string): string => path.resolve(root, folder);
  return {
    root,
    naming: 'the option folders of openSource, or the data of trainDetector',
    nameOf: (folder) => path.join(root, folder),
    isFolder: (folder) => isFolder(inside(folder)),
    list: (folder) => listFolder(inside(folder)),
    listTree: (folder, { without }) => listTree(inside(folder), { without: without.map(inside) }),
    findName: async (parent, name) =>
      path.basename(await new DiskNames().find(path.join(root, parent, name))),
  };
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
