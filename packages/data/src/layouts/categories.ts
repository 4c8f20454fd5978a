import type { DskdError } from '@dskd/base';
import { datasetError } from '../samples.js';
import { type FolderTree, joined } from './tree.js';

/** Where an object of VisA (Zou et al. 2022) has its good images. */
export const VISA_GOOD = 'Data/Images/Normal';

/** Whether `folder` is a category of MVTec AD, MVTec LOCO AD or BTAD, or an object of VisA. */
export async function isCategory(tree: FolderTree, folder = ''): Promise<boolean> {
  return (await tree.isFolder(joined(folder, 'train'))) || tree.isFolder(joined(folder, VISA_GOOD));
}

/** Names of the folders in the root that are categories, sorted. */
export async function findCategories(tree: FolderTree): Promise<string[]> {
  const { folders } = await tree.list('');
  const are = await Promise.all(folders.map((name) => isCategory(tree, name)));
  return folders.filter((_, index) => are[index]);
}

/** Error for a folder of several categories. */
export function categoriesError(
  { root }: FolderTree,
  categories: readonly string[],
  hint: string,
): DskdError {
  const problem = `contains the categories ${categories.join(', ')}; choose one`;
  return datasetError(root, [{ path: root, problem }], hint);
}
