import { access, readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * A name in the composed form (NFC) of Unicode. macOS tools write `é` as `e` and an accent (NFD), most other programs as
 * one character; both look the same, but are different names for a file system.
 */
export function composed(name: string): string {
  return name.normalize('NFC');
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Finds files and folders whose names are written in another Unicode form than on disk. */
export class DiskNames {
  readonly #folders = new Map<string, Promise<readonly string[]>>();

  /**
   * @param file relative to the working folder, or absolute.
   * @returns `file` if it exists, else the path of the file or folder whose name is equal to it in Unicode's composed
   * form; `file` if there is none.
   */
  async find(file: string): Promise<string> {
    if (await exists(file)) return file;
    const parent = path.dirname(file);
    const name = path.basename(file);
    if (parent === file || name === '..' || name === '.') return file;
    const folder = await this.find(parent);
    const same = (await this.#names(folder)).find((each) => composed(each) === composed(name));
    return same === undefined ? file : path.join(folder, same);
  }

  #names(folder: string): Promise<readonly string[]> {
    let names = this.#folders.get(folder);
    if (!names) this.#folders.set(folder, (names = readdir(folder).catch(() => [])));
    return names;
  }
}
