import { DskdError } from '@dskd/base';
import { refusal } from '../image-format.js';
import {
  addNamed,
  assertNamed,
  FolderReader,
  listOf,
  type NamedFolder,
  type NamedFolders,
  ROLES,
} from '../layouts/folder-reader.js';
import { type FileEntry, lastName, leftOutWarnings } from '../layouts/tree.js';
import { type DatasetProblem, UNNAMED_DEFECT } from '../samples.js';
import type { FileTree } from './file-tree.js';

/** Folders, or which of all paths. */
type Choice = string | readonly string[] | ((path: string) => boolean);

/** Which of the files show what. Paths are relative to the folder that was chosen, or begin with its name. */
export interface ChosenFiles extends Pick<NamedFolders, 'masks' | 'split'> {
  /** Folders of images of good parts, or a function of a path: `train`. */
  readonly good?: Choice;
  /** Folders of images of bad parts, or a function of a path: `test`. Subfolders, or several folders, name the types of defects. */
  readonly bad?: Choice;
}

/** What was found among files. */
export interface ReadFiles {
  readonly entries: readonly FileEntry[];
  readonly problems: readonly DatasetProblem[];
  readonly warnings: readonly string[];
}

/** A folder as it is in the tree: without `./`, a slash at its end, and the name of the chosen folder. */
async function placeOf(tree: FileTree, written: string): Promise<string> {
  const folder = written.replace(/^(\.\/)+|\/+$/g, '').replace(/^\.$/, '');
  if (await tree.isFolder(folder)) return folder;
  if (folder === tree.root) return '';
  return folder.startsWith(`${tree.root}/`) ? folder.slice(tree.root.length + 1) : folder;
}

async function readFolders(
  tree: FileTree,
  folders: NamedFolders,
  masks: 'required' | 'optional' | undefined,
): Promise<ReadFiles> {
  const named: NamedFolder[] = [];
  for (const role of ROLES) {
    for (const written of listOf(folders[role])) {
      const at = await placeOf(tree, written);
      addNamed(named, { role, written, at, name: lastName(at) || tree.root, key: at });
    }
  }
  assertNamed(named);
  const reader = new FolderReader(tree, named, folders.split ?? 'train', masks);
  await reader.read();
  return { entries: reader.entries, problems: reader.problems, warnings: reader.warnings };
}

/** A choice as a function of a path. */
async function chooser(tree: FileTree, choice: Choice | undefined): Promise<(path: string) => boolean> {
  if (typeof choice === 'function') return choice;
  const folders = await Promise.all(listOf(choice).map((written) => placeOf(tree, written)));
  return (path) => folders.some((folder) => folder === '' || path.startsWith(`${folder}/`));
}

async function readChosen(tree: FileTree, { good, bad, masks, split }: ChosenFiles): Promise<ReadFiles> {
  if (masks !== undefined) {
    throw new DskdError('invalid-argument', 'Got folders of masks together with a function of paths.', {
      hint: 'Masks belong to their images by the names in two folders: name the folder of bad parts.',
    });
  }
  const { images, refused, leftOut } = await tree.listTree('', { without: [] });
  const [isGood, isBad] = [await chooser(tree, good), await chooser(tree, bad)];
  const entries: FileEntry[] = [];
  const problems: DatasetProblem[] = [];
  for (const id of [...images, ...refused]) {
    const [shown, shownBad] = [isGood(id), isBad(id)];
    if (shown && shownBad) problems.push({ path: id, problem: 'chosen as good and as bad' });
    else if (!shown && !shownBad) continue;
    else if (refused.includes(id)) problems.push({ path: id, problem: refusal(id) });
    else if (shown) entries.push({ id, split: split ?? 'train', label: 'good', defectType: 'good' });
    else entries.push({ id, split: 'test', label: 'anomalous', defectType: UNNAMED_DEFECT });
  }
  if (entries.length + problems.length === 0) {
    problems.push({
      path: tree.root,
      problem: `none of its ${images.length} images is chosen as good or bad`,
    });
  }
  return { entries, problems, warnings: leftOutWarnings(leftOut) };
}

/**
 * Reads files of which the caller says what they show.
 * @throws {DskdError} `invalid-argument`
 */
export function readNamedFiles(
  tree: FileTree,
  folders: ChosenFiles,
  masks: 'required' | 'optional' | undefined,
): Promise<ReadFiles> {
  const { good, bad, ...others } = folders;
  if (typeof good === 'function' || typeof bad === 'function') return readChosen(tree, folders);
  return readFolders(
    tree,
    { ...others, ...(good !== undefined && { good }), ...(bad !== undefined && { bad }) },
    masks,
  );
}
