import path from 'node:path';
import { findCategories, isCategory } from '../layouts/categories.js';
import { datasetError } from '../samples.js';
import { DiskNames } from './disk-names.js';
import { diskTree, isFolder } from './listing.js';

/**
 * Path of a category's folder: `root/category`, or `root` if it is the category itself.
 * @throws {DskdError} `dataset-invalid` if the folder does not exist.
 */
export async function categoryFolder(root: string, category: string | undefined): Promise<string> {
  const fail = (where: string, problem: string): never => {
    throw datasetError(root, [{ path: where, problem }]);
  };
  if (!(await isFolder(root))) return fail(root, 'there is no such folder');
  if (category === undefined) return root;
  const inside = await new DiskNames().find(path.join(root, category));
  if (await isFolder(inside)) return inside;
  const isItself = path.basename(path.resolve(root)) === category;
  if (isItself && (await isCategory(diskTree(root)))) return root;
  const categories = await findCategories(diskTree(root));
  const seen = categories.length === 0 ? 'no categories' : `the categories ${categories.join(', ')}`;
  return fail(inside, `there is no such folder; ${root} holds ${seen}`);
}
