import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';

/** Every folder of ours holds it: no other folder is ever replaced. */
export const RECORD = 'scores.json';

/**
 * Lets `fill` write into a new folder, which gets the name `target` once it is complete. An earlier demo of that
 * name is replaced whole. Where `fill` fails or is interrupted, nothing changes.
 * @throws {DskdError} `invalid-argument` where `target` holds something else; whatever `fill` throws.
 */
export async function fillFolder<T>(target: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const resolved = path.resolve(target);
  const old = await readdir(resolved).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (old && old.length > 0 && !old.includes(RECORD)) {
    throw new DskdError('invalid-argument', `${target} holds something else than a demo (no ${RECORD}).`, {
      hint: 'Name another folder: npm run demo -- --out FOLDER',
    });
  }
  const suffix = randomBytes(6).toString('hex');
  const beside = (kind: string): string =>
    path.join(path.dirname(resolved), `.${path.basename(resolved)}.${suffix}.${kind}`);
  const unfinished = beside('tmp');
  try {
    await mkdir(unfinished, { recursive: true });
    const result = await fill(unfinished);
    if (old) await rename(resolved, beside('old'));
    await rename(unfinished, resolved);
    return result;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await rm(beside('old'), { recursive: true, force: true });
  }
}
