import path from 'node:path';
import { DskdError } from '@dskd/base';
import { categoriesError, findCategories } from '../layouts/categories.js';
import type { NamedFolders } from '../layouts/folder-reader.js';
import { plainFolders } from '../layouts/plain-folder.js';
import type { ImageSource } from '../samples.js';
import { categoryFolder } from './categories.js';
import { DiskNames } from './disk-names.js';
import type { CheckOptions } from './file-source.js';
import { openFolder } from './folder.js';
import { diskTree, isFile, isFolder } from './listing.js';
import { manifestFormat, openManifest } from './manifest.js';
import { openMvtecAd } from './mvtec-ad.js';
import { isMvtecLocoAd, openMvtecLocoAd } from './mvtec-loco-ad.js';
import { isVisa, openVisa } from './visa.js';

export interface OpenSourceOptions extends CheckOptions {
  /** A folder, or a manifest (`.csv`, `.jsonl`). Not needed with `folders`. */
  readonly root?: string;
  /** Name of a folder in `root`; of a manifest with a column `object`, the object whose images are read. */
  readonly category?: string;
  /**
   * Path of a list of the MVTec AD images whose anomaly is logical, one per line: see `subsetsTemplate`. The
   * `defectType` of anomalous images is then `'logical_anomalies'` or `'structural_anomalies'`, as in MVTec LOCO AD.
   */
  readonly subsets?: string;
  /**
   * Whether each anomalous image must have a mask. Default: `'optional'`; if some have one and others not, the source
   * has a warning.
   */
  readonly masks?: 'required' | 'optional';
  /** Ignores unknown columns of a manifest; by default they are an error, because a misspelled name is one. */
  readonly ignoreUnknownColumns?: boolean;
  /**
   * Folders of good parts, of bad parts and of masks, anywhere, instead of a layout that is detected. Paths relative to
   * `root`, or to the working folder if there is none.
   */
  readonly folders?: NamedFolders;
  /**
   * What the caller says of all images of a plain folder, also of those in several folders. Default: they are good, and
   * must be in one folder.
   */
  readonly label?: 'good' | 'anomalous';
}

/**
 * Opens the dataset at `root` (or `root/category`), or the named `folders`. The layout of `root` is detected:
 * - a file: a manifest. Columns: `path` and, optionally, `label`, `split`, `mask`, `defect` and `object`;
 * - a folder with a folder `train`: a category in the layout of MVTec LOCO AD if it contains a `defects_config.json`
 *   or if `test` contains `logical_anomalies` or `structural_anomalies`; otherwise in the layout of MVTec AD or BTAD;
 * - a folder with `Data/Images/Normal`: an object in the layout of VisA;
 * - any other folder: good images, all in one folder. A folder `defects` contains anomalous images, a folder `masks`
 *   next to it their masks; the good images are then in `good`, or are all others.
 *
 * A folder that contains several categories, or images in several folders, is refused: otherwise bad parts might be
 * trained on unnoticed.
 *
 * @returns the checked source; every file has been inspected.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `invalid-argument` (`subsets` for
 * another layout, nothing to open), `file-not-found` (the list of subsets), `dependency-missing`, `aborted`
 */
export async function openSource(options: OpenSourceOptions): Promise<ImageSource> {
  const {
    root: given,
    category,
    subsets,
    masks,
    ignoreUnknownColumns,
    folders: named,
    label,
    ...rest
  } = options;
  const checks = { ...rest, ...(masks && { masks }) };
  const root = given === undefined ? undefined : await new DiskNames().find(given);
  if (named) {
    assertAlone(options);
    return openFolder({ ...(root !== undefined && { root }), folders: named, ...checks });
  }
  if (root === undefined) {
    throw new DskdError('invalid-argument', 'Got neither root nor folders; wanted one of them.');
  }
  if (subsets !== undefined) return openSubsets(await categoryFolder(root, category), subsets, checks);
  if ((await isFile(root)) || (manifestFormat(root) && !(await isFolder(root)))) {
    return openManifest({
      file: root,
      ...(category !== undefined && { object: category }),
      ...(ignoreUnknownColumns !== undefined && { ignoreUnknownColumns }),
      ...checks,
    });
  }
  const folder = await categoryFolder(root, category);
  if (await isFolder(path.join(folder, 'train'))) {
    if (await isMvtecLocoAd(folder)) return openMvtecLocoAd({ root: folder, ...checks });
    return openMvtecAd({ root: folder, ...checks });
  }
  if (await isVisa(folder)) return openVisa({ root: folder, ...checks });
  const tree = diskTree(folder);
  const categories = await findCategories(tree);
  if (categories.length > 0) {
    throw categoriesError(tree, categories, `Name one, for example category '${categories[0]!}'.`);
  }
  return openFolder({ root: folder, folders: await plainFolders(tree, label), ...checks });
}

/** @throws {DskdError} `invalid-argument` if `folders` come with an option that describes a layout. */
function assertAlone({ category, subsets, label }: OpenSourceOptions): void {
  for (const [name, value] of Object.entries({ category, subsets, label })) {
    if (value === undefined) continue;
    throw new DskdError(
      'invalid-argument',
      `Got folders together with ${name}, ${value}; wanted one of them.`,
    );
  }
}

async function openSubsets(
  folder: string,
  subsets: string,
  checks: CheckOptions & Pick<OpenSourceOptions, 'masks'>,
): Promise<ImageSource> {
  if ((await isFolder(path.join(folder, 'train'))) && !(await isMvtecLocoAd(folder))) {
    return openMvtecAd({ root: folder, subsets, ...checks });
  }
  throw new DskdError(
    'invalid-argument',
    `Got a list of subsets, ${subsets}, but ${folder} does not have the layout of MVTec AD.`,
    { hint: 'MVTec LOCO AD has its subsets in folders; other layouts have no subsets.' },
  );
}
