import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { composed } from '../layouts/tree.js';

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Finds files and folders whose names are written in another Unicode form than on disk. */
export class DiskNames {
  readonly #folders = new Map<string, Promise<readonly string[]>>();

  /**
   * @param file relative to the working folder, or absolute.
   * @returns `file` with the names that its folders and itself have on disk: exactly those or, if there are none, those
   * that are equal in Unicode's composed form. `file` as it is if nothing is there.
   */
  async find(file: string): Promise<string> {
    if (isAscii(file)) return file;
    const parent = path.dirname(file);
    if (parent === file) return file;
    const name = path.basename(file);
    const folder = await this.find(parent);
    if (isAscii(name)) return path.join(folder, name);
    const names = await this.#names(folder);
    const onDisk = names.includes(name) ? name : names.find((each) => composed(each) === composed(name));
    return onDisk === undefined ? file : path.join(folder, onDisk);
  }

  #names(folder: string): Promise<readonly string[]> {
    let names = this.#folders.get(folder);
    if (!names) this.#folders.set(folder, (names = readdir(folder).catch(() => [])));
    return names;
  }
}
