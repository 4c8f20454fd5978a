import path from 'node:path';
import { DskdError } from '@dskd/base';
import { datasetError, type ImageSource } from '../samples.js';
import { categoryFolder, findCategories } from './category-reader.js';
import type { CheckOptions } from './file-source.js';
import { openFolder } from './folder.js';
import { isFile, isFolder, listFolder } from './listing.js';
import { manifestFormat, openManifest } from './manifest.js';
import { openMvtecAd } from './mvtec-ad.js';
import { isMvtecLocoAd, openMvtecLocoAd } from './mvtec-loco-ad.js';

export interface OpenSourceOptions extends CheckOptions {
  /** A folder, or a manifest (`.csv`, `.jsonl`). */
  readonly root: string;
  /** Name of a folder in `root`. */
  readonly category?: string;
  /** Of MVTec AD: a list of the images whose anomaly is logical, see `openMvtecAd`. */
  readonly subsets?: string;
}

/** Folders that say that not everything beside them is good. */
const NOT_GOOD =
  /^(test|ground_?truth|masks?|bad|ng|no[tk]_?(good|ok)|nok|defect.*|anomal.*|abnormal.*|fault.*)$/i;

/** Folders that are what they are called, where `defects` is there. */
const ROLES = ['good', 'defects', 'masks'];

/**
 * Opens whatever lies at `root` (or `root/category`):
 * - a file: a manifest, see `openManifest`;
 * - a folder with a folder `train`: a category in the layout of MVTec LOCO AD, where it holds a
 *   `defects_config.json` or `test` a `logical_anomalies` or `structural_anomalies`, see `openMvtecLocoAd`;
 *   otherwise in that of MVTec AD, see `openMvtecAd`;
 * - any other: a plain folder of good images, see `openFolder`. A folder `defects` in it, and `masks`
 *   beside that, are taken for what they are called; the good images are then in `good`, or all others.
 *
 * A folder that holds several categories, other folders called like bad parts, or folders beside one called
 * `good`, is none of these: training on bad parts unawares would be worse than an error.
 *
 * @throws {DskdError} `dataset-invalid`, saying what was seen; `invalid-argument` (`subsets` of something else),
 * `file-not-found` (the list of subsets), `dependency-missing`, `aborted`
 */
export async function openSource(options: OpenSourceOptions): Promise<ImageSource> {
  const { root, category, subsets, ...checks } = options;
  if (subsets !== undefined) {
    const folder = await categoryFolder(root, category);
    if ((await isFolder(path.join(folder, 'train'))) && !(await isMvtecLocoAd(folder))) {
      return openMvtecAd({ root: folder, subsets, ...checks });
    }
    throw new DskdError(
      'invalid-argument',
      `Got a list of subsets, ${subsets}, but ${folder} is not laid out as MVTec AD.`,
      {
        hint: 'MVTec LOCO AD has its subsets in folders; other data has none.',
      },
    );
  }
  if ((await isFile(root)) || (manifestFormat(root) && !(await isFolder(root)))) {
    if (category === undefined) return openManifest({ file: root, ...checks });
    throw datasetError(root, [{ path: root, problem: `a file, not a folder with the category ${category}` }]);
  }
  const folder = await categoryFolder(root, category);
  if (await isFolder(path.join(folder, 'train'))) {
    const open = (await isMvtecLocoAd(folder)) ? openMvtecLocoAd : openMvtecAd;
    return open({ root: folder, ...checks });
  }

  const categories = await findCategories(folder);
  if (categories.length > 0) {
    throw datasetError(
      folder,
      [{ path: folder, problem: `holds the categories ${categories.join(', ')}; one must be chosen` }],
      `Name one, for example category '${categories[0]!}'.`,
    );
  }
  const { folders, images } = await listFolder(folder);
  const hasGood = folders.includes('good');
  const hasDefects = folders.includes('defects');
  const roles = hasDefects ? ROLES : ['good'];
  const suspicious = folders.filter((name) => !roles.includes(name) && (hasGood || NOT_GOOD.test(name)));
  if (hasGood && hasDefects) suspicious.push(...images);
  if (suspicious.length > 0) {
    throw datasetError(
      folder,
      suspicious.map((name) => ({
        path: name,
        problem: 'not part of a plain folder of good images, and there is no train/good as in MVTec AD',
      })),
      'Name the folder of the good images, or lay the data out as good, defects, masks, or as MVTec AD does: train/good, test/<defect>, ground_truth/<defect>.',
    );
  }
  if (!hasDefects) return openFolder({ root: folder, ...checks });
  return openFolder({
    root: folder,
    ...(hasGood && { good: 'good' }),
    defects: 'defects',
    ...(folders.includes('masks') && { masks: 'masks' }),
    ...checks,
  });
}
