import type { ImageSource } from '../samples.js';
import { fileSource } from './file-source.js';
import { isFolder, listTree, refusal } from './listing.js';
import { datasetError } from './problems.js';

export interface OpenFolderOptions {
  readonly root: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a plain folder of pictures of good parts, with all below it: everything is `train`, `good`.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`,
 * `aborted`
 */
export async function openFolder({ root, signal }: OpenFolderOptions): Promise<ImageSource> {
  if (!(await isFolder(root))) throw datasetError(root, [{ path: root, problem: 'there is no such folder' }]);
  const { pictures, refused } = await listTree(root);
  const problems = refused.map((name) => ({ path: name, problem: refusal(name) }));
  if (pictures.length + refused.length === 0) {
    problems.push({ path: root, problem: 'the folder holds no pictures' });
  }
  const entries = pictures.map((id) => ({
    id,
    split: 'train' as const,
    label: 'good' as const,
    defectType: 'good',
  }));
  return fileSource({ root, entries, problems, signal });
}
