import path from 'node:path';
import { refusal } from '../image-format.js';
import { datasetError, type DatasetProblem, type Split } from '../samples.js';
import type { FileEntry } from './inspect-entry.js';
import { isFolder, listFolder, type FolderListing } from './listing.js';

/** Names of the folders in `root` that contain a folder `train` (categories of MVTec AD or MVTec LOCO AD), sorted. */
export async function findCategories(root: string): Promise<string[]> {
  const { folders } = await listFolder(root);
  const are = await Promise.all(folders.map((name) => isFolder(path.join(root, name, 'train'))));
  return folders.filter((_, index) => are[index]);
}

/**
 * Path of a category's folder: `root/category`, or `root` if it is the category itself.
 * @throws {DskdError} `dataset-invalid` if the folder does not exist.
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

/** Collects the entries and problems of one category. Shared by the layouts of MVTec AD and MVTec LOCO AD. */
export class CategoryReader {
  readonly entries: FileEntry[] = [];
  readonly problems: DatasetProblem[] = [];

  constructor(
    readonly root: string,
    /** Name of the layout, for messages. */
    readonly layout: string,
  ) {}

  report(where: string, problem: string): void {
    this.problems.push({ path: where, problem });
  }

  has(folder: string): Promise<boolean> {
    return isFolder(path.join(this.root, folder));
  }

  list(folder: string): Promise<FolderListing> {
    return listFolder(path.join(this.root, folder));
  }

  /** Names of the images in a folder that may contain nothing else. */
  async images(relative: string): Promise<readonly string[]> {
    const { folders, images, refused } = await this.list(relative);
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    for (const name of folders) {
      this.report(
        `${relative}/${name}`,
        `a folder among the images; ${this.layout} keeps them in ${relative} itself`,
      );
    }
    if (images.length + refused.length === 0) this.report(relative, 'the folder holds no images');
    return images;
  }

  async good(split: Split, relative: string): Promise<void> {
    for (const name of await this.images(relative)) {
      this.entries.push({ id: `${relative}/${name}`, split, label: 'good', defectType: 'good' });
    }
  }

  /** Reads `train/good`, and `validation/good` if the folder `validation` exists. */
  async goodSplits(): Promise<void> {
    if (await this.has('train')) await this.#goodSplit('train');
    else this.report('train/good', 'there is no such folder');
    if (await this.has('validation')) await this.#goodSplit('validation');
  }

  /** Reads a split that may contain good images only. */
  async #goodSplit(split: 'train' | 'validation'): Promise<void> {
    const folders = await this.subfolders(split);
    for (const name of folders) {
      if (name !== 'good')
        this.report(`${split}/${name}`, `unexpected folder; only ${split}/good is allowed here`);
    }
    if (folders.includes('good')) await this.good(split, `${split}/good`);
    else this.report(`${split}/good`, 'there is no such folder');
  }

  /** Names of the folders in `folder`, which may contain no images itself. */
  async subfolders(folder: string): Promise<readonly string[]> {
    const { folders, images, refused } = await this.list(folder);
    for (const name of [...images, ...refused]) {
      this.report(
        `${folder}/${name}`,
        `an image directly in ${folder}; wanted a folder for it (good, or a defect's name)`,
      );
    }
    return folders;
  }
}
