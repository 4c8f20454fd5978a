import path from 'node:path';
import { datasetError, type ImageSource } from '../samples.js';
import type { CheckOptions } from './file-source.js';
import { type NamedFolders, openFolder } from './folder.js';
import { namesBad } from './labels.js';
import { listFolder, listTree } from './listing.js';

export interface OpenPlainFolderOptions extends CheckOptions {
  readonly root: string;
  /** What the caller says of all images in it, if it has no folders `good` and `defects`. */
  readonly label?: 'good' | 'anomalous';
  readonly masks?: 'required' | 'optional';
}

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
  return inside.map(({ folder, images }) => ({ folder: path.posix.join(only!.folder, folder), images }));
}

/**
 * Refuses images in several folders, because some of them may show bad parts, whatever their names are.
 * @throws {DskdError} `dataset-invalid` with the folders in `details.choose`
 */
function assertOneFolder(root: string, names: readonly string[]): void {
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
    'Name them, { good: [...], bad: [...], masks: [...] }: the option folders of openSource, or the data of trainDetector. Each is read with its subfolders.',
    { choose: choices.map(({ folder }) => path.join(root, folder)) },
  );
}

/** The images of `root` that are in none of its folders `without`, as paths relative to it. */
async function imagesOf(root: string, without: readonly string[]): Promise<readonly string[]> {
  const { images, refused } = await listTree(root, { without: without.map((name) => path.join(root, name)) });
  return [...images, ...refused];
}

/**
 * Opens a folder of images of good parts. They are in one folder (`root`, or one somewhere in it), or in `good`; a folder
 * `defects` beside it contains images of bad parts, a folder `masks` their masks. Anything else needs a `label`, or
 * `openFolder`.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function openPlainFolder(options: OpenPlainFolderOptions): Promise<ImageSource> {
  const { root, label, ...rest } = options;
  const open = (folders: NamedFolders): Promise<ImageSource> => openFolder({ root, folders, ...rest });
  const { folders } = await listFolder(root);
  const hasDefects = folders.includes('defects');
  if (!folders.includes('good') && !hasDefects) {
    if (label === undefined) assertOneFolder(root, await imagesOf(root, []));
    return open(label === 'anomalous' ? { bad: '.' } : { good: '.' });
  }
  const roles = hasDefects ? ['good', 'defects', 'masks'] : ['good'];
  const others = await imagesOf(
    root,
    folders.filter((name) => roles.includes(name)),
  );
  if (folders.includes('good')) assertNoOthers(root, others);
  else assertOneFolder(root, others);
  return open({
    good: folders.includes('good') ? 'good' : '.',
    ...(hasDefects && { bad: 'defects' }),
    ...(hasDefects && folders.includes('masks') && { masks: 'masks' }),
  });
}

/** @throws {DskdError} `dataset-invalid` if images are beside `good`, `defects` and `masks`. */
function assertNoOthers(root: string, others: readonly string[]): void {
  const choices = choicesOf(others);
  if (choices.length === 0) return;
  throw datasetError(
    root,
    choices.map(({ folder, images }) => ({
      path: folder,
      problem: `${images === 1 ? 'an image' : `${images} images`} beside the folder good, which holds the good ones`,
    })),
    'Name them, { good: [...], bad: [...], masks: [...] }: the option folders of openSource, or the data of trainDetector. Or use the layout good, defects, masks, or that of MVTec AD: train/good, test/<defect>, ground_truth/<defect>.',
    { choose: [path.join(root, 'good'), ...choices.map(({ folder }) => path.join(root, folder))] },
  );
}
