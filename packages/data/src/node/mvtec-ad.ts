import path from 'node:path';
import { refusal } from '../image-format.js';
import type { ImageSource } from '../samples.js';
import { categoryFolder, CategoryReader } from './category-reader.js';
import { DiskNames } from './disk-names.js';
import { fileSource, type CheckOptions } from './file-source.js';
import { MaskPairs, type Named, stemOf } from './mask-pairs.js';
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

const TRUTH = 'ground_truth';

class MvtecAdReader extends CategoryReader {
  readonly #pairs: MaskPairs;

  constructor(root: string, masks: 'required' | 'optional') {
    super(root, 'MVTec AD');
    this.#pairs = new MaskPairs(masks);
  }

  async read(): Promise<void> {
    await this.goodSplits();
    const defects = await this.testFolders((name) => this.#defects(name));
    const truths = ((await this.has(TRUTH)) ? await this.subfolders(TRUTH) : []).filter(
      (name) => name !== this.goodName,
    );
    // A folder of masks for no folder of images, while another has none: its name is probably misspelled.
    this.#pairs.pairFolders({
      images: defects.map((name) => ({ id: `test/${name}`, stem: name })),
      masks: truths.map((name) => ({ id: `${TRUTH}/${name}`, stem: name })),
      folder: 'test',
    });
    this.problems.push(...this.#pairs.problems);
  }

  async allWarnings(): Promise<string[]> {
    const layout = ['train', 'validation', 'test', TRUTH];
    return [...this.#pairs.warnings(), ...(await this.warnings(layout))];
  }

  async #defects(defectType: string): Promise<void> {
    const folder = `test/${defectType}`;
    const images = (await this.images(folder)).map((name) => ({
      id: `${folder}/${name}`,
      stem: stemOf(name),
    }));
    const pairs = this.#pairs.pair(
      { folder, images, masks: await this.#masksOf(defectType) },
      (stem) => `${TRUTH}/${defectType}/${stem}_mask.png`,
    );
    for (const { id } of images) {
      const mask = pairs.get(id);
      const sample = { id, split: 'test', label: 'anomalous', defectType } as const;
      this.entries.push(mask === undefined ? sample : { ...sample, mask });
    }
  }

  /** The masks of a type of defects. */
  async #masksOf(defectType: string): Promise<Named[]> {
    const folder = await new DiskNames().find(path.join(this.root, TRUTH, defectType));
    const relative = `${TRUTH}/${path.basename(folder)}`;
    if (!(await this.has(relative))) return [];
    const { images, refused } = await this.list(relative);
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    return images.map((name) => ({ id: `${relative}/${name}`, stem: stemOf(name) }));
  }
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
  const reader = new MvtecAdReader(root, masks);
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
    hint:
      'The layout is train/good, test/<good or defect>, ground_truth/<defect>/<image>_mask.png; ' +
      'folders that are called or placed otherwise can be named as good and bad.',
    checks,
  });
}
