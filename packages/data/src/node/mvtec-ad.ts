import path from 'node:path';
import type { ImageSource, Sample } from '../samples.js';
import { categoryFolder, CategoryReader } from './category-reader.js';
import { fileSource, type CheckOptions } from './file-source.js';
import { applySubsets } from './subsets.js';

export interface OpenMvtecAdOptions extends CheckOptions {
  /** Folder of the categories, or of one category. */
  readonly root: string;
  /** Name of the category's folder in `root`. Not needed if `root` is the category. */
  readonly category?: string;
  /** Whether each anomalous image must have a mask. Default `'required'`. */
  readonly masks?: 'required' | 'optional';
  /**
   * Path of a list of the images whose anomaly is logical, one per line: see `subsetsTemplate`. The `defectType` of
   * anomalous images is then `'logical_anomalies'` or `'structural_anomalies'`, as in MVTec LOCO AD.
   */
  readonly subsets?: string;
}

/** File name of a mask. Only lossless formats are allowed. */
const MASK_NAME = /^(.*)_mask\.(png|tiff?)$/i;

class MvtecAdReader extends CategoryReader {
  constructor(
    root: string,
    readonly masksRequired: boolean,
  ) {
    super(root, 'MVTec AD');
  }

  async defects(defectType: string): Promise<void> {
    const relative = `test/${defectType}`;
    const masks = await this.masksOf(defectType);
    for (const name of await this.images(relative)) {
      const id = `${relative}/${name}`;
      const stem = path.parse(name).name;
      const mask = masks?.get(stem);
      const sample: Omit<Sample, 'load'> = { id, split: 'test', label: 'anomalous', defectType };
      this.entries.push(mask === undefined ? sample : { ...sample, mask });
      if (mask === undefined && masks !== undefined && this.masksRequired) {
        this.report(id, `its mask ground_truth/${defectType}/${stem}_mask.png is missing`);
      }
    }
  }

  /**
   * File names of masks by the stem of their image; undefined (and reported, if required) if the folder is missing.
   */
  async masksOf(defectType: string): Promise<Map<string, string> | undefined> {
    const relative = `ground_truth/${defectType}`;
    if (!(await this.has(relative))) {
      if (this.masksRequired)
        this.report(relative, `there is no such folder: no masks for test/${defectType}`);
      return undefined;
    }
    const masks = new Map<string, string>();
    for (const name of (await this.list(relative)).images) {
      const stem = MASK_NAME.exec(name)?.[1];
      if (stem !== undefined) masks.set(stem, `${relative}/${name}`);
    }
    return masks;
  }
}

/**
 * Opens one category in the layout of MVTec AD: `train/good`, `validation/good` (optional), `test/good` and
 * `test/<defect>` (optional), `ground_truth/<defect>/<image>_mask.png`. Every file is inspected, so that problems are
 * found before a long computation starts.
 *
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `file-not-found` (the list of
 * subsets), `dependency-missing`, `aborted`
 */
export async function openMvtecAd(options: OpenMvtecAdOptions): Promise<ImageSource> {
  const { category, masks = 'required', subsets, ...checks } = options;
  const root = await categoryFolder(options.root, category);
  const reader = new MvtecAdReader(root, masks === 'required');
  await reader.goodSplits();
  if (await reader.has('test')) {
    for (const name of await reader.subfolders('test')) {
      if (name === 'good') await reader.good('test', 'test/good');
      else await reader.defects(name);
    }
  }
  const listed =
    subsets === undefined
      ? { entries: reader.entries, problems: [] }
      : await applySubsets(subsets, root, reader.entries);
  return fileSource({
    root,
    entries: listed.entries,
    problems: [...reader.problems, ...listed.problems],
    hint: 'The layout is train/good, test/<good or defect>, ground_truth/<defect>/<image>_mask.png.',
    checks,
  });
}
