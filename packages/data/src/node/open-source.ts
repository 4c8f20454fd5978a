import path from 'node:path';
import type { ImageSource } from '../samples.js';
import { openFolder } from './folder.js';
import { isFolder, listFolder } from './listing.js';
import { categoryFolder, findCategories, openMvtecAd } from './mvtec-ad.js';
import { datasetError } from './problems.js';

export interface OpenSourceOptions {
  readonly root: string;
  /** Name of a folder in `root`. */
  readonly category?: string;
  readonly signal?: AbortSignal;
}

/** Folders that say that not everything beside them is good. */
const NOT_GOOD = /^(test|ground_?truth|bad|ng|no[tk]_?(good|ok)|nok|defect.*|anomal.*|abnormal.*|fault.*)$/i;

/**
 * Opens whatever lies at `root` (or `root/category`): a category in the layout of MVTec AD, told by its
 * `train` folder, or else a plain folder of good pictures. A folder that holds several categories, folders called
 * like bad parts, or folders beside one called `good`, is neither: training on bad parts unawares would be worse than an error.
 *
 * @throws {DskdError} `dataset-invalid`, saying what was seen; `dependency-missing`, `aborted`
 */
export async function openSource({ root, category, signal }: OpenSourceOptions): Promise<ImageSource> {
  const folder = await categoryFolder(root, category);
  const options = signal ? { root: folder, signal } : { root: folder };
  if (await isFolder(path.join(folder, 'train'))) return openMvtecAd(options);

  const categories = await findCategories(folder);
  if (categories.length > 0) {
    throw datasetError(
      folder,
      [{ path: folder, problem: `holds the categories ${categories.join(', ')}; one must be chosen` }],
      `Name one, for example category '${categories[0]!}'.`,
    );
  }
  const { folders } = await listFolder(folder);
  const hasGood = folders.includes('good');
  const suspicious = folders.filter((name) => NOT_GOOD.test(name) || (hasGood && name !== 'good'));
  if (suspicious.length > 0) {
    throw datasetError(
      folder,
      suspicious.map((name) => ({
        path: name,
        problem: 'not part of a plain folder of good pictures, and there is no train/good as in MVTec AD',
      })),
      'Name the folder of the good pictures, or lay the data out as train/good, test/<defect>, ground_truth/<defect>.',
    );
  }
  return openFolder(options);
}
