import { MVTEC_AD_HINT, MvtecAdReader } from '../layouts/mvtec-ad-reader.js';
import type { ImageSource } from '../samples.js';
import { categoryFolder } from './categories.js';
import { fileSource, type CheckOptions } from './file-source.js';
import { diskTree } from './listing.js';
import { applySubsets } from './subsets.js';

export interface OpenMvtecAdOptions extends CheckOptions {
  /** Folder of the categories, or of one category. */
  readonly root: string;
  /** Name of the category's folder in `root`. Not needed if `root` is the category. */
  readonly category?: string;
  /** Whether each anomalous image must have a mask. Default `'optional'`. */
  readonly masks?: 'required' | 'optional';
  /**
   * Path of a list of the images whose anomaly is logical, one per line: see `subsetsTemplate`. The `defectType` of
   * anomalous images is then `'logical_anomalies'` or `'structural_anomalies'`, as in MVTec LOCO AD.
   */
  readonly subsets?: string;
}

/**
 * Opens one category in the layout of MVTec AD: `train/good`, `validation/good` (optional), `test/good` and
 * `test/<defect>` (optional), `ground_truth/<defect>/<image>_mask.png` or `<image>.png` (optional). The folders of good
 * images may have another name, as `ok` in BTAD, if it is the only one in `train`. Every file is inspected, so that
 * problems are found before a long computation starts.
 *
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `file-not-found` (the list of
 * subsets), `dependency-missing`, `aborted`
 */
export async function openMvtecAd(options: OpenMvtecAdOptions): Promise<ImageSource> {
  const { category, masks = 'optional', subsets, ...checks } = options;
  const root = await categoryFolder(options.root, category);
  const reader = new MvtecAdReader(diskTree(root), masks);
  await reader.read();
  const listed =
    subsets === undefined
      ? { entries: reader.entries, problems: [] }
      : await applySubsets(subsets, root, reader.entries);
  return fileSource({
    root,
    entries: listed.entries,
    problems: [...reader.problems, ...listed.problems],
    warnings: await reader.allWarnings(),
    ...(reader.choose && { choose: reader.choose }),
    hint: MVTEC_AD_HINT,
    checks,
  });
}
