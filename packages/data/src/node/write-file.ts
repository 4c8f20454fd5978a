import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError, isDskdError } from '@dskd/base';

/** A temporary file that has not changed for this long is abandoned. */
const ABANDONED_MS = 60 * 60 * 1000;
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Folders already cleaned by this process. Cleaning once is sufficient, and a folder may contain thousands of files.
 */
const tidied = new Set<string>();

/** Removes temporary files in `folder` that killed processes left behind. */
async function removeAbandoned(folder: string): Promise<void> {
  const resolved = path.resolve(folder);
  if (tidied.has(resolved)) return;
  tidied.add(resolved);
  for (const name of (await readdir(folder)).filter((each) => TEMPORARY_NAME.test(each))) {
    const leftover = path.join(folder, name);
    if (Date.now() - (await stat(leftover)).mtimeMs > ABANDONED_MS) await rm(leftover);
  }
}

export interface WriteOptions {
  /** Folder that takes the content, under a new name, where it cannot be written to its own path. */
  readonly fallback?: string;
}

/**
 * Writes a file atomically: its path has either the old content or all of `content`. The content goes to a temporary
 * file in the same folder (created if missing), which is flushed and then renamed. An existing file is replaced. A
 * process that is killed leaves a hidden `.NAME.*.tmp`, which is never read; the first write of a process into a
 * folder removes those that are more than an hour old.
 * @throws {DskdError} `file-not-writable`; no temporary file is left behind. `details.savedTo` is the file in `fallback`,
 * if that took the content.
 */
export async function writeFileAtomically(
  file: string,
  content: Uint8Array | string,
  { fallback }: WriteOptions = {},
): Promise<void> {
  try {
    await writeInPlace(file, content);
  } catch (error) {
    if (fallback === undefined || !isDskdError(error)) throw error;
    const { name, ext } = path.parse(file);
    const savedTo = path.join(fallback, `${name}-${randomBytes(6).toString('hex')}${ext}`);
    await writeInPlace(savedTo, content).catch(() => {
      throw error;
    });
    throw new DskdError('file-not-writable', `${error.message} It was saved as ${savedTo} instead.`, {
      cause: error.cause,
      hint: 'Free disk space, or choose another path, and move that file there. Temporary folders are emptied.',
      details: { path: file, savedTo },
    });
  }
}

async function writeInPlace(file: string, content: Uint8Array | string): Promise<void> {
  const folder = path.dirname(file);
  await makeFolder(folder);
  // Errors while cleaning must not prevent writing.
  await removeAbandoned(folder).catch(() => undefined);
  const temporary = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw notWritable(file, error);
  }
}

/** Creates a folder and its parents if they do not exist. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw notWritable(folder, error);
  }
}

/**
 * Checks, before a long computation, whether {@link writeFileAtomically} can write `file`. Creates its folder and
 * leaves no files in it.
 * @throws {DskdError} `file-not-writable`
 */
export async function assertWritable(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory()) throw notWritable(file, new Error('a folder has this name'));
  const probe = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFileAtomically(probe, '');
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

function notWritable(file: string, cause: unknown): DskdError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DskdError('file-not-writable', `Cannot write ${file}: ${reason}.`, {
    cause,
    hint: 'Choose another path, or free disk space.',
    details: { path: file },
  });
}
