import { access, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Gives the folder `temporary` the name `target`. What had that name is moved to `aside` first, and removed at
 * last under the name of `temporary`: whatever is called `aside` is whole.
 */
export async function putInPlace(temporary: string, target: string, aside: string): Promise<void> {
  if (!(await isThere(target))) return rename(temporary, target);
  if ((await readdir(target)).length === 0) {
    await rmdir(target);
    return rename(temporary, target);
  }
  await rename(target, aside);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(aside, target);
    throw error;
  }
  await rename(aside, temporary);
  await rm(temporary, { recursive: true });
}

/**
 * Ends what a process began that was killed while it replaced `target`: the dataset that it had moved aside is put
 * back where nothing has taken its place, and removed where something has.
 * @param isAside whether a name in `folder` is one that `putInPlace` was given for `aside`.
 */
export async function endReplacing(
  folder: string,
  target: string,
  isAside: (name: string) => boolean,
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const left = names.filter(isAside).map((name) => path.join(folder, name));
  const times = new Map<string, number>();
  for (const each of left) times.set(each, (await stat(each)).mtimeMs);
  left.sort((a, b) => times.get(b)! - times.get(a)!);
  for (const each of left) {
    if (await isThere(target)) await rm(each, { recursive: true });
    else await rename(each, target);
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
