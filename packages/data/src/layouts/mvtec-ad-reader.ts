import { refusal } from '../image-format.js';
import { CategoryReader } from './category-reader.js';
import { MaskPairs, type Named, stemOf } from './mask-pairs.js';
import type { FolderTree } from './tree.js';

export const MVTEC_AD_HINT =
  'The layout is train/good, test/<good or defect>, ground_truth/<defect>/<image>_mask.png; ' +
  'folders that are called or placed otherwise can be named as good and bad.';

const TRUTH = 'ground_truth';

/** Reads one category in the layout of MVTec AD. */
export class MvtecAdReader extends CategoryReader {
  readonly #pairs: MaskPairs;

  constructor(tree: FolderTree, masks: 'required' | 'optional') {
    super(tree, 'MVTec AD');
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
    const relative = `${TRUTH}/${await this.tree.findName(TRUTH, defectType)}`;
    if (!(await this.has(relative))) return [];
    const { images, refused } = await this.list(relative);
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    return images.map((name) => ({ id: `${relative}/${name}`, stem: stemOf(name) }));
  }
}
