import path from 'node:path';
import { refusal } from '../picture-names.js';
import { datasetError, type DatasetProblem } from '../problems.js';
import type { ImageSource, Sample, Split } from '../samples.js';
import { fileSource, type CheckOptions, type FileEntry } from './file-source.js';
import { isFolder, listFolder, type FolderListing } from './listing.js';

export interface OpenMvtecAdOptions extends CheckOptions {
  /** The folder of the categories, or of one category. */
  readonly root: string;
  /** Name of the category's folder in `root`. Not needed where `root` is the category. */
  readonly category?: string;
  /** Whether each anomalous picture must have a mask. Default `'required'`. */
  readonly masks?: 'required' | 'optional';
}

/** Extensions of masks: formats that keep every pixel as it is. */
const MASK_NAME = /^(.*)_mask\.(png|tiff?)$/i;

/** The names of the folders in `root` that look like MVTec AD categories, sorted. */
export async function findCategories(root: string): Promise<string[]> {
  const { folders } = await listFolder(root);
  const are = await Promise.all(folders.map((name) => isFolder(path.join(root, name, 'train'))));
  return folders.filter((_, index) => are[index]);
}

/**
 * The category's own folder: `root/category`, or `root` where that is the category.
 * @throws {DskdError} `dataset-invalid`
 */
export async function categoryFolder(root: string, category: string | undefined): Promise<string> {
  const fail = (where: string, problem: string): never => {
    throw datasetError(root, [{ path: where, problem }]);
  };
  if (!(await isFolder(root))) return fail(root, 'there is no such folder');
  if (category === undefined) return root;
  const inside = path.join(root, category);
  if (await isFolder(inside)) return inside;
  const isItself = path.basename(path.resolve(root)) === category;
  if (isItself && (await isFolder(path.join(root, 'train')))) return root;
  const categories = await findCategories(root);
  const seen = categories.length === 0 ? 'no categories' : `the categories ${categories.join(', ')}`;
  return fail(inside, `there is no such folder; ${root} holds ${seen}`);
}

/** Collects entries and problems of one category. */
class CategoryReader {
  readonly entries: FileEntry[] = [];
  readonly problems: DatasetProblem[] = [];

  constructor(
    readonly root: string,
    readonly masksRequired: boolean,
  ) {}

  report(where: string, problem: string): void {
    this.problems.push({ path: where, problem });
  }

  /** The pictures of one folder that must hold nothing else. */
  async pictures(relative: string): Promise<readonly string[]> {
    const { folders, pictures, refused } = await listFolder(path.join(this.root, relative));
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    for (const name of folders) {
      this.report(
        `${relative}/${name}`,
        `a folder among the pictures; MVTec AD keeps them in ${relative} itself`,
      );
    }
    if (pictures.length + refused.length === 0) this.report(relative, 'the folder holds no pictures');
    return pictures;
  }

  async good(split: Split, relative: string): Promise<void> {
    for (const name of await this.pictures(relative)) {
      this.entries.push({ id: `${relative}/${name}`, split, label: 'good', defectType: 'good' });
    }
  }

  /** A split that may hold good pictures only. */
  async goodSplit(split: Split, folder: string): Promise<void> {
    const { folders } = await this.subfolders(folder);
    for (const name of folders) {
      if (name !== 'good') this.report(`${folder}/${name}`, `not expected here, only ${folder}/good`);
    }
    if (folders.includes('good')) await this.good(split, `${folder}/good`);
    else this.report(`${folder}/good`, 'there is no such folder');
  }

  async subfolders(folder: string): Promise<FolderListing> {
    const listing = await listFolder(path.join(this.root, folder));
    for (const name of [...listing.pictures, ...listing.refused]) {
      this.report(
        `${folder}/${name}`,
        `a picture outside the folders of ${folder} (good, or a defect's name)`,
      );
    }
    return listing;
  }

  async defects(defectType: string): Promise<void> {
    const relative = `test/${defectType}`;
    const masks = await this.masksOf(defectType);
    for (const name of await this.pictures(relative)) {
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

  /** Masks by the stem of their picture; undefined (and reported, if required) where there is no folder. */
  async masksOf(defectType: string): Promise<Map<string, string> | undefined> {
    const relative = `ground_truth/${defectType}`;
    if (!(await isFolder(path.join(this.root, relative)))) {
      if (this.masksRequired)
        this.report(relative, `there is no such folder: no masks for test/${defectType}`);
      return undefined;
    }
    const masks = new Map<string, string>();
    for (const name of (await listFolder(path.join(this.root, relative))).pictures) {
      const stem = MASK_NAME.exec(name)?.[1];
      if (stem !== undefined) masks.set(stem, `${relative}/${name}`);
    }
    return masks;
  }
}

/**
 * Opens one category in the layout of MVTec AD: `train/good`, `validation/good` (may be missing),
 * `test/good` and `test/<defect>` (may be missing), `ground_truth/<defect>/<picture>_mask.png`.
 * Looks at every file first, so that what is wrong is known before anything long begins.
 *
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`,
 * `aborted`
 */
export async function openMvtecAd(options: OpenMvtecAdOptions): Promise<ImageSource> {
  const { category, masks = 'required', ...checks } = options;
  const root = await categoryFolder(options.root, category);
  const reader = new CategoryReader(root, masks === 'required');
  const exists = (folder: string): Promise<boolean> => isFolder(path.join(root, folder));

  if (await exists('train')) await reader.goodSplit('train', 'train');
  else reader.report('train/good', 'there is no such folder');
  if (await exists('validation')) await reader.goodSplit('validation', 'validation');
  if (await exists('test')) {
    for (const name of (await reader.subfolders('test')).folders) {
      if (name === 'good') await reader.good('test', 'test/good');
      else await reader.defects(name);
    }
  }
  return fileSource({
    root,
    entries: reader.entries,
    problems: reader.problems,
    hint: 'The layout is train/good, test/<good or defect>, ground_truth/<defect>/<picture>_mask.png.',
    checks,
  });
}
