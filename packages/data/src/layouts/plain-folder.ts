import { datasetError } from '../samples.js';
import type { NamedFolders } from './folder-reader.js';
import { namesBad } from './labels.js';
import { type FolderTree, joined } from './tree.js';

/** A folder among whose images are some, with their number. */
interface Choice {
  readonly folder: string;
  readonly images: number;
}

/** The places of images below `root`: the folders next to each other, and `.` for images beside them. */
function choicesOf(names: readonly string[]): Choice[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const folder = name.includes('/') ? name.slice(0, name.indexOf('/')) : '.';
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const choices = [...counts].map(([folder, images]) => ({ folder, images }));
  const [only] = choices;
  if (choices.length !== 1 || only!.folder === '.') return choices;
  const inside = choicesOf(names.map((name) => name.slice(only!.folder.length + 1)));
  return inside.map(({ folder, images }) => ({
    folder: folder === '.' ? only!.folder : joined(only!.folder, folder),
    images,
  }));
}

/**
 * Refuses images in several folders, because some of them may show bad parts, whatever their names are.
 * @throws {DskdError} `dataset-invalid` with the folders in `details.choose`
 */
function assertOneFolder(tree: FolderTree, names: readonly string[]): void {
  const { root } = tree;
  const choices = choicesOf(names);
  const suspicious = choices.some(({ folder }) => folder.split('/').some(namesBad));
  if (choices.length < 2 && !suspicious) return;
  const shown = choices.slice(0, 8).map(({ folder, images }) => `${folder} (${images})`);
  if (choices.length > 8) shown.push(`${choices.length - 8} more`);
  const inFolders = choices.length === 1 ? `in ${shown.join('')}` : `in several folders: ${shown.join(', ')}`;
  throw datasetError(
    root,
    [
      {
        path: root,
        problem: `images are ${inFolders}; say which folders show good parts and which bad ones`,
      },
    ],
    `Name them, { good: [...], bad: [...], masks: [...] }: ${tree.naming}. Each is read with its subfolders.`,
    { choose: choices.map(({ folder }) => tree.nameOf(folder)) },
  );
}

/** The images that are in none of the folders `without`, as paths relative to the root. */
async function imagesOf(tree: FolderTree, without: readonly string[]): Promise<readonly string[]> {
  const { images, refused } = await tree.listTree('', { without });
  return [...images, ...refused];
}

/**
 * What a folder of images of good parts consists of. They are in one folder (the root, or one somewhere in it), or in `good`; a
 * folder `defects` beside it contains images of bad parts, a folder `masks` their masks. Anything else needs a `label`, or
 * folders that are named.
 * @param label what the caller says of all images in it, if it has no folders `good` and `defects`.
 * @throws {DskdError} `dataset-invalid`
 */
export async function plainFolders(tree: FolderTree, label?: 'good' | 'anomalous'): Promise<NamedFolders> {
  const { folders } = await tree.list('');
  const hasDefects = folders.includes('defects');
  if (!folders.includes('good') && !hasDefects) {
    if (label === undefined) assertOneFolder(tree, await imagesOf(tree, []));
    return label === 'anomalous' ? { bad: '.' } : { good: '.' };
  }
  const roles = hasDefects ? ['good', 'defects', 'masks'] : ['good'];
  const others = await imagesOf(
    tree,
    folders.filter((name) => roles.includes(name)),
  );
  if (folders.includes('good')) assertNoOthers(tree, others);
  else assertOneFolder(tree, others);
  return {
    good: folders.includes('good') ? 'good' : '.',
    ...(hasDefects && { bad: 'defects' }),
    ...(hasDefects && folders.includes('masks') && { masks: 'masks' }),
  };
}

/** @throws {DskdError} `dataset-invalid` if images are beside `good`, `defects` and `masks`. */
function assertNoOthers(tree: FolderTree, others: readonly string[]): void {
  const choices = choicesOf(others);
  if (choices.length === 0) return;
  throw datasetError(
    tree.root,
    choices.map(({ folder, images }) => ({
      path: folder,
      problem: `${images === 1 ? 'an image' : `${images} images`} beside the folder good, which holds the good ones`,
    })),
    `Name them, { good: [...], bad: [...], masks: [...] }: ${tree.naming}. Or use the layout good, defects, masks, or that of MVTec AD: train/good, test/<defect>, ground_truth/<defect>.`,
    { choose: ['good', ...choices.map(({ folder }) => folder)].map((folder) => tree.nameOf(folder)) },
  );
}
