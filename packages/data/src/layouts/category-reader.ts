import { refusal } from '../image-format.js';
import { type DatasetProblem, firstFew, type Split } from '../samples.js';
import { namesBad, namesGood } from './labels.js';
import {
  type FileEntry,
  type FolderListing,
  type FolderTree,
  holdsNoImages,
  type LeftOut,
  leftOutWarnings,
} from './tree.js';

/** Collects the entries and problems of one category. Shared by the layouts of MVTec AD and MVTec LOCO AD. */
export class CategoryReader {
  readonly entries: FileEntry[] = [];
  readonly problems: DatasetProblem[] = [];
  readonly #leftOut: LeftOut[] = [];
  /** Name of the folders of good images: `good`, or the only folder in `train`. */
  goodName = 'good';
  /** Folders in `train` if it has several and none is called `good`. */
  choose: readonly string[] | undefined;
  /** Whether `train` has a folder of that name. */
  #knowsGood = false;

  constructor(
    readonly tree: FolderTree,
    /** Name of the layout, for messages. */
    readonly layout: string,
  ) {}

  report(where: string, problem: string): void {
    this.problems.push({ path: where, problem });
  }

  has(folder: string): Promise<boolean> {
    return this.tree.isFolder(folder);
  }

  /** Lists a folder; what is left out of it is remembered for {@link warnings}. */
  async list(folder: string): Promise<FolderListing> {
    const listing = await this.tree.list(folder);
    this.#leftOut.push(...listing.leftOut.map(({ name, kind }) => ({ name: `${folder}/${name}`, kind })));
    return listing;
  }

  /** What was left out: files, and folders besides those that the layout `knows`. */
  async warnings(knows: readonly string[]): Promise<string[]> {
    const { folders } = await this.tree.list('');
    const others = folders.filter((name) => !knows.includes(name));
    return [
      ...leftOutWarnings(this.#leftOut),
      ...(others.length === 0
        ? []
        : [`not part of the layout of ${this.layout}, so left out: the folders ${firstFew(others)}`]),
    ];
  }

  /** Names of the images in a folder that may contain nothing else. */
  async images(relative: string): Promise<readonly string[]> {
    const { folders, images, refused, leftOut } = await this.list(relative);
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    for (const name of folders) {
      this.report(
        `${relative}/${name}`,
        `a folder among the images; ${this.layout} keeps them in ${relative} itself`,
      );
    }
    if (images.length + refused.length === 0) this.report(relative, holdsNoImages(leftOut));
    return images;
  }

  async good(split: Split, relative: string): Promise<void> {
    for (const name of await this.images(relative)) {
      this.entries.push({ id: `${relative}/${name}`, split, label: 'good', defectType: 'good' });
    }
  }

  /**
   * Reads `train/good`, and `validation/good` if the folder `validation` exists. Instead of `good`, the folder may have
   * any name if it is the only one in `train`, which holds good images only.
   */
  async goodSplits(): Promise<void> {
    if (!(await this.has('train'))) {
      this.report('train/good', 'there is no such folder');
      return;
    }
    const folders = await this.subfolders('train');
    if (!folders.includes('good') && folders.length === 1) {
      this.goodName = folders[0]!;
      if (namesBad(this.goodName)) {
        this.report(`train/${this.goodName}`, 'named like bad parts; only good ones are trained on');
        return;
      }
    }
    if (folders.length > 1 && !folders.includes('good')) {
      this.choose = folders.map((name) => this.tree.nameOf(`train/${name}`));
    }
    this.#knowsGood = folders.includes(this.goodName);
    await this.#goodSplit('train', folders);
    if (await this.has('validation'))
      await this.#goodSplit('validation', await this.subfolders('validation'));
  }

  /** Reads a split that may contain good images only. */
  async #goodSplit(split: 'train' | 'validation', folders: readonly string[]): Promise<void> {
    const good = `${split}/${this.goodName}`;
    if (!folders.includes(this.goodName)) {
      const others =
        folders.length === 0 ? '' : `, but there are ${folders.map((name) => `${split}/${name}`).join(', ')}`;
      this.report(good, `there is no such folder${others}`);
      return;
    }
    for (const name of folders) {
      if (name === this.goodName) continue;
      this.report(`${split}/${name}`, `unexpected folder; only ${good} is allowed here`);
    }
    await this.good(split, good);
  }

  /** Reads `test`: good images, and each other folder by `read`. @returns the names of those folders. */
  async testFolders(read: (name: string) => Promise<void>): Promise<readonly string[]> {
    if (!(await this.has('test'))) return [];
    const folders = await this.subfolders('test');
    for (const name of folders) {
      if (name === this.goodName) await this.good('test', `test/${name}`);
      else if (this.#knowsGood && namesGood(name)) {
        this.report(
          `test/${name}`,
          `named like good images, but train/${this.goodName} says how they are called`,
        );
      } else await read(name);
    }
    return folders.filter((name) => name !== this.goodName);
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
