import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { isPassedOver, kindByName, refusal } from '../image-format.js';
import { byCodeUnit, datasetError, type DatasetProblem } from '../samples.js';

export interface FolderListing {
  /** Names of folders, sorted. */
  readonly folders: readonly string[];
  /** Names of files with a supported image extension, sorted. */
  readonly images: readonly string[];
  /** Names of images in unsupported formats, sorted. */
  readonly refused: readonly string[];
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

/**
 * Lists a folder. Hidden files and folders (a leading dot), `Thumbs.db`, `desktop.ini` and `__MACOSX` are ignored,
 * and so are files without an image extension (in upper or lower case). A folder is listed as a folder, even if it is
 * named like an image. Links are followed. A dangling link with an image extension is listed as an image and fails
 * when it is read.
 * @throws {DskdError} `file-not-found` if the folder cannot be read.
 */
export async function listFolder(folder: string): Promise<FolderListing> {
  const listing = { folders: [] as string[], images: [] as string[], refused: [] as string[] };
  for (const entry of await entriesOf(folder)) {
    const { name } = entry;
    if (isPassedOver(name)) continue;
    const linksToFolder = entry.isSymbolicLink() && (await isFolder(path.join(folder, name)));
    const kind = kindByName(name);
    if (entry.isDirectory() || linksToFolder) listing.folders.push(name);
    else if (kind === 'readable') listing.images.push(name);
    else if (kind === 'refused') listing.refused.push(name);
  }
  for (const names of Object.values(listing)) names.sort(byCodeUnit);
  return listing;
}

export interface TreeListing {
  /** Paths relative to the folder, forward slashes, sorted by code unit. */
  readonly images: string[];
  readonly refused: string[];
}

/** {@link listFolder} for a folder and all its subfolders. A folder that links to one of its parents is read once. */
export async function listTree(root: string): Promise<TreeListing> {
  const tree: TreeListing = { images: [], refused: [] };
  const seen = new Set<string>();
  const visit = async (relative: string): Promise<void> => {
    const folder = path.join(root, relative);
    const real = await realpath(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const { folders, images, refused } = await listFolder(folder);
    tree.images.push(...images.map((name) => path.posix.join(relative, name)));
    tree.refused.push(...refused.map((name) => path.posix.join(relative, name)));
    for (const name of folders) await visit(path.posix.join(relative, name));
  };
  await visit('');
  tree.images.sort(byCodeUnit);
  tree.refused.sort(byCodeUnit);
  return tree;
}

/**
 * Lists the images at `paths`: files as given, folders with all their subfolders, by the rules of {@link listFolder}.
 * @returns each image once, sorted by path.
 * @throws {DskdError} `file-not-found` if a path does not exist; `dataset-invalid` if a folder contains no images or
 * unsupported ones. All problems are in one error.
 */
export async function listImages(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  const missing: string[] = [];
  const problems: DatasetProblem[] = [];
  for (const given of paths) {
    const information = await stat(given).catch(() => undefined);
    if (!information) missing.push(given);
    else if (!information.isDirectory()) found.add(path.normalize(given));
    else {
      const { images, refused } = await listTree(given);
      for (const image of images) found.add(path.join(given, image));
      for (const name of refused) problems.push({ path: path.join(given, name), problem: refusal(name) });
      if (images.length + refused.length === 0) {
        problems.push({ path: given, problem: 'the folder holds no images' });
      }
    }
  }
  if (missing.length > 0) {
    throw new DskdError('file-not-found', `There is no file or folder ${missing.join(', ')}.`, {
      details: { missing, problems },
    });
  }
  if (problems.length > 0) throw datasetError(paths.join(', '), problems);
  return [...found].sort(byCodeUnit);
}
