import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { assertWritable } from '@dskd/data/node';
import { readPlan, readShard, type Shard } from './plan/plan.js';
import { Storage } from './plan/storage.js';

/** What was collected. */
export interface Collected {
  readonly images: number;
  /** How many of them could not be read: their lines have an `error`. */
  readonly unreadable: number;
}

interface ResultLine {
  readonly path?: unknown;
  readonly error?: unknown;
}

/** @returns the number of lines with an error. */
function checkResult(text: string, { images }: Shard, file: string): number {
  const damaged = (what: string): DskdError =>
    new DskdError('artifact-invalid', `The result ${file} is damaged: ${what}.`, {
      hint: 'Remove it and submit again: only this shard is scored again.',
      details: { path: file },
    });
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length !== images.length)
    throw damaged(`got ${lines.length} lines, wanted ${images.length}, each with its end`);
  let unreadable = 0;
  for (const [index, line] of lines.entries()) {
    let read: ResultLine;
    try {
      read = JSON.parse(line) as ResultLine;
    } catch {
      throw damaged(`line ${index + 1} is not JSON`);
    }
    const wanted = images[index]!.path;
    if (read.path !== wanted) throw damaged(`line ${index + 1} is of ${String(read.path)}, wanted ${wanted}`);
    if (read.error !== undefined) unreadable++;
  }
  return unreadable;
}

/**
 * Joins the results of a plan in the order of its images: the bytes that `dskd predict` prints for the same model, images and options.
 * @param out a file, which is there only when it is complete; or a function that is given the text of each shard in turn.
 * @throws {DskdError} `file-not-found` where shards have no result yet, `artifact-invalid` for one that is damaged,
 * `file-not-writable`
 */
export async function collect(
  folder: string,
  out: string | ((text: string) => void | Promise<void>),
): Promise<Collected> {
  const plan = await readPlan(folder);
  const storage = Storage.ofPlan(folder);
  const missing: number[] = [];
  for (const [index, name] of plan.shards.entries())
    if (!(await storage.hasResult(name))) missing.push(index);
  if (missing.length > 0) {
    const named = missing.slice(0, 5).join(', ');
    throw new DskdError(
      'file-not-found',
      `${missing.length} of ${plan.shards.length} shards have no result yet: ${named}${missing.length > 5 ? ', …' : ''}.`,
      {
        hint: 'Wait for the workers. The status says which shards wait and which failed.',
        details: { missing },
      },
    );
  }
  let unreadable = 0;
  const eachShard = async (write: (text: string) => void | Promise<void>): Promise<void> => {
    for (const [index, name] of plan.shards.entries()) {
      const file = storage.resultFile(name);
      const text = await readFile(file, 'utf8');
      unreadable += checkResult(text, await readShard(folder, plan, index), file);
      await write(text);
    }
  };
  if (typeof out === 'function') await eachShard(out);
  else await writeInParts(out, eachShard);
  return { images: plan.images, unreadable };
}

/** As `writeFileAtomically`, for a file that need not fit into memory. */
async function writeInParts(
  file: string,
  fill: (write: (text: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  await assertWritable(file);
  const temporary = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`,
  );
  const handle = await open(temporary, 'wx');
  try {
    try {
      await fill(async (text) => {
        await handle.writeFile(text);
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
