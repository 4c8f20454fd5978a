import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';

/** Room on a file system. */
export interface FreeSpace {
  /** Identifies the file system. */
  readonly device: number;
  /** Bytes that this user may write. */
  readonly bytes: number;
}

/**
 * The room where `file` is to be written: that of its folder, or of the nearest one above it that exists.
 * @returns undefined where the system does not tell.
 */
export async function freeSpace(file: string): Promise<FreeSpace | undefined> {
  const folder = path.dirname(path.resolve(file));
  try {
    const { dev } = await stat(folder);
    const { bavail, bsize } = await statfs(folder);
    return { device: dev, bytes: bavail * bsize };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && path.dirname(folder) !== folder;
    return missing ? freeSpace(folder) : undefined;
  }
}
