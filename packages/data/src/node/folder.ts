import { realpath } from 'node:fs/promises';
import path from 'node:path';
import {
  addNamed,
  assertNamed,
  FolderReader,
  listOf,
  type NamedFolder,
  type NamedFolders,
  ROLES,
} from '../layouts/folder-reader.js';
import { datasetError, type ImageSource } from '../samples.js';
import { DiskNames } from './disk-names.js';
import { fileSource, type CheckOptions } from './file-source.js';
import { diskTree, isFolder } from './listing.js';

export interface OpenFolderOptions extends CheckOptions {
  /** What ids are relative to. Default: the folder itself or, of several, the one that contains all. */
  readonly root?: string;
  /** Paths relative to `root`, or to the working folder if there is none. */
  readonly folders: NamedFolders;
  /** Whether each anomalous image must have a mask. Default `'optional'`. */
  readonly masks?: 'required' | 'optional';
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

/** A folder that was named, with its absolute path. */
type DiskFolder = Omit<NamedFolder, 'at'> & { readonly absolute: string };

async function namedFolders(folders: NamedFolders, root = '.'): Promise<DiskFolder[]> {
  const names = new DiskNames();
  const named: DiskFolder[] = [];
  for (const role of ROLES) {
    for (const written of listOf(folders[role])) {
      const absolute = await names.find(path.resolve(root, written));
      const key = await realpath(absolute).catch(() => absolute);
      addNamed(named, { role, written, absolute, name: path.basename(absolute), key });
    }
  }
  assertNamed(named);
  return named;
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
  const inTree = named.map(({ absolute, ...folder }) => ({
    ...folder,
    at: path.relative(root, absolute).split(path.sep).join('/'),
  }));
  const reader = new FolderReader(diskTree(root), inTree, folders.split ?? 'train', masks);
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
