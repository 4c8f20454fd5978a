import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { ImageSource } from '../samples.js';
import { datasetError } from '../samples.js';
import { categoryFolder, findCategories } from './category-reader.js';
import type { CheckOptions } from './file-source.js';
import { openFolder, type OpenFolderOptions } from './folder.js';
import { isFile, isFolder, listFolder } from './listing.js';
import { manifestFormat, openManifest } from './manifest.js';
import { openMvtecAd } from './mvtec-ad.js';
import { isMvtecLocoAd, openMvtecLocoAd } from './mvtec-loco-ad.js';

export interface OpenSourceOptions extends CheckOptions {
  /** A folder, or a manifest (`.csv`, `.jsonl`). */
  readonly root: string;
  /** Name of a folder in `root`. */
  readonly category?: string;
  /**
   * Path of a list of the MVTec AD images whose anomaly is logical, one per line: see `subsetsTemplate`. The
   * `defectType` of anomalous images is then `'logical_anomalies'` or `'structural_anomalies'`, as in MVTec LOCO AD.
   */
  readonly subsets?: string;
  /**
   * Whether each anomalous image of MVTec AD or of a manifest must have a mask. Default: `'required'` for MVTec
   * AD; in a manifest, either all of them or none.
   */
  readonly masks?: 'required' | 'optional';
  /** Ignores unknown columns of a manifest; by default they are an error, because a misspelled name is one. */
  readonly ignoreUnknownColumns?: boolean;
  /**
   * Names of the folders in a plain folder, relative to it. Each may be missing. Default: `good`, `defects` and
   * `masks` as far as they exist.
   */
  readonly folders?: Pick<OpenFolderOptions, 'good' | 'defects' | 'masks'>;
}

/** Names of folders that suggest that not all images next to them are good. */
const NOT_GOOD =
  /^(test|ground_?truth|masks?|bad|ng|no[tk]_?(good|ok)|nok|defect.*|anomal.*|abnormal.*|fault.*)$/i;

/** Folders with a fixed meaning if `defects` exists. */
const ROLES = ['good', 'defects', 'masks'];

/**
 * Opens the dataset at `root` (or `root/category`). Its layout is detected:
 * - a file: a manifest. Columns: `path` and, optionally, `label`, `split`, `mask` and `defect`;
 * - a folder with a folder `train`: a category in the layout of MVTec LOCO AD if it contains a `defects_config.json`
 *   or if `test` contains `logical_anomalies` or `structural_anomalies`; otherwise in the layout of MVTec AD;
 * - any other folder: good images. A folder `defects` in it contains anomalous images, a folder `masks` next to it
 *   their masks; the good images are then in `good`, or are all others. `folders` gives other names.
 *
 * A folder that contains several categories, other folders with names of bad parts, or folders next to one called
 * `good`, is refused: otherwise bad parts might be trained on unnoticed.
 *
 * @returns the checked source; every file has been inspected.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `invalid-argument` (`subsets` for
 * another layout), `file-not-found` (the list of subsets), `dependency-missing`, `aborted`
 */
export async function openSource(options: OpenSourceOptions): Promise<ImageSource> {
  const { root, category, subsets, masks, ignoreUnknownColumns, folders: names, ...checks } = options;
  const ofMasks = masks && { masks };
  if (subsets !== undefined) {
    const folder = await categoryFolder(root, category);
    if ((await isFolder(path.join(folder, 'train'))) && !(await isMvtecLocoAd(folder))) {
      return openMvtecAd({ root: folder, subsets, ...ofMasks, ...checks });
    }
    throw new DskdError(
      'invalid-argument',
      `Got a list of subsets, ${subsets}, but ${folder} does not have the layout of MVTec AD.`,
      {
        hint: 'MVTec LOCO AD has its subsets in folders; other layouts have no subsets.',
      },
    );
  }
  if ((await isFile(root)) || (manifestFormat(root) && !(await isFolder(root)))) {
    if (category === undefined) {
      return openManifest({
        file: root,
        ...ofMasks,
        ...(ignoreUnknownColumns !== undefined && { ignoreUnknownColumns }),
        ...checks,
      });
    }
    throw datasetError(root, [{ path: root, problem: `a file, not a folder with the category ${category}` }]);
  }
  const folder = await categoryFolder(root, category);
  if (names) return openFolder({ root: folder, ...names, ...checks });
  if (await isFolder(path.join(folder, 'train'))) {
    if (await isMvtecLocoAd(folder)) return openMvtecLocoAd({ root: folder, ...checks });
    return openMvtecAd({ root: folder, ...ofMasks, ...checks });
  }

  const categories = await findCategories(folder);
  if (categories.length > 0) {
    throw datasetError(
      folder,
      [{ path: folder, problem: `contains the categories ${categories.join(', ')}; choose one` }],
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
        problem: 'unexpected in a plain folder of good images, and there is no train/good as in MVTec AD',
      })),
      'Name the folder of the good images, or use the layout good, defects, masks, or that of MVTec AD: train/good, test/<defect>, ground_truth/<defect>.',
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
