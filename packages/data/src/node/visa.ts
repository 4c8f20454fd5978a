import path from 'node:path';
import { VISA_GOOD } from '../layouts/categories.js';
import type { ImageSource } from '../samples.js';
import type { CheckOptions } from './file-source.js';
import { openFolder } from './folder.js';
import { isFile, isFolder } from './listing.js';
import { openManifest } from './manifest.js';

/** Folders and list of VisA (Zou et al. 2022), relative to the folder of an object or, the list, of all. */
const GOOD = VISA_GOOD;
const BAD = 'Data/Images/Anomaly';
const MASKS = 'Data/Masks/Anomaly';
const SPLITS = 'split_csv/1cls.csv';

/** Whether `folder` is an object of VisA. */
export async function isVisa(folder: string): Promise<boolean> {
  return isFolder(path.join(folder, GOOD));
}

/**
 * Opens one object in the layout of VisA: with the published splits if their list, `split_csv/1cls.csv`, is beside the
 * folder; else normal images are `train` and anomalous ones `test`, and the source has a warning.
 * @throws {DskdError} `dataset-invalid`, `dependency-missing`, `aborted`
 */
export async function openVisa(
  options: CheckOptions & { readonly root: string; readonly masks?: 'required' | 'optional' },
): Promise<ImageSource> {
  const { root, ...checks } = options;
  const list = path.resolve(root, '..', SPLITS);
  if (await isFile(list)) {
    return openManifest({ file: list, object: path.basename(path.resolve(root)), ...checks });
  }
  const has = (folder: string): Promise<boolean> => isFolder(path.join(root, folder));
  const bad = await has(BAD);
  const source = await openFolder({
    root,
    folders: { good: GOOD, ...(bad && { bad: BAD }), ...(bad && (await has(MASKS)) && { masks: MASKS }) },
    ...checks,
  });
  const warning = `there is no ${SPLITS} beside ${path.basename(path.resolve(root))}, so all normal images are train and none is test`;
  return { ...source, warnings: [...(source.warnings ?? []), warning] };
}
