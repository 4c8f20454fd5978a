import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export interface FileDigest {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Reads a file once, in pieces. Rejects with the file system's error. */
export async function sha256File(file: string, signal?: AbortSignal): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20, ...(signal && { signal }) })) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).byteLength;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** A download nobody has written to for so long is nobody's, whatever its name says. */
const ABANDONED_AFTER_MILLISECONDS = 3_600_000;

const host = os.hostname().replaceAll(/\W/g, '_');

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isAbandoned(folder: string, owner: string): Promise<boolean> {
  const [, machine, pid] = /^(\w+)-(\d+)-[0-9a-f]+$/.exec(owner) ?? [];
  if (machine === undefined) return false;
  if (machine === host && !isRunning(Number(pid))) return true;
  const { mtimeMs } = await stat(path.join(folder, 'content.part')).catch(() => stat(folder));
  return Date.now() - mtimeMs > ABANDONED_AFTER_MILLISECONDS;
}

/** Remains of downloads of `target` that anyone may go on with: left behind properly, then those of the dead. */
async function unowned(target: string): Promise<string[]> {
  const start = `${path.basename(target)}.`;
  const found = [`${target}.unfinished`];
  for (const name of await readdir(path.dirname(target))) {
    if (!name.startsWith(start) || !name.endsWith('.unfinished')) continue;
    const folder = path.join(path.dirname(target), name);
    if (await isAbandoned(folder, name.slice(start.length, -'.unfinished'.length)).catch(() => false)) {
      found.push(folder);
    }
  }
  return found;
}

/**
 * An unfinished download: a folder beside the target that holds the bytes so far (`content.part`) and the
 * server's name for their version. The folder's name says which process it belongs to; it changes hands by
 * rename, which only one can win, so that two processes never write to the same bytes.
 */
export class PartialDownload {
  readonly content: string;
  readonly #target: string;
  readonly #folder: string;

  private constructor(target: string, folder: string) {
    this.#target = target;
    this.#folder = folder;
    this.content = path.join(folder, 'content.part');
  }

  /** Goes on with what was left of an earlier download of `target`, or begins one. */
  static async claim(target: string): Promise<PartialDownload> {
    await mkdir(path.dirname(target), { recursive: true });
    const folder = `${target}.${host}-${process.pid}-${randomBytes(4).toString('hex')}.unfinished`;
    for (const candidate of await unowned(target)) {
      try {
        await rename(candidate, folder);
        return new PartialDownload(target, folder);
      } catch {
        // Not there, or another process was faster.
      }
    }
    await mkdir(folder);
    return new PartialDownload(target, folder);
  }

  /** Bytes so far. */
  async size(): Promise<number> {
    return stat(this.content).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** The ETag or date of the bytes so far, if the server gave one. */
  async version(): Promise<string | undefined> {
    return readFile(path.join(this.#folder, 'version'), 'utf8').catch(() => undefined);
  }

  /** Opens for appending; `fresh` drops what there is and notes the version of what is to come. */
  async open(fresh: { readonly version: string | undefined } | undefined): Promise<FileHandle> {
    if (fresh) {
      await this.restart();
      if (fresh.version !== undefined) await writeFile(path.join(this.#folder, 'version'), fresh.version);
    }
    return open(this.content, 'a');
  }

  /** Forgets the bytes so far. */
  async restart(): Promise<void> {
    await rm(path.join(this.#folder, 'version'), { force: true });
    await truncate(this.content).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }

  /** Moves the finished file to its place, and clears away what else is left of downloading it. */
  async finish(): Promise<void> {
    await rename(this.content, this.#target);
    for (const folder of [this.#folder, ...(await unowned(this.#target))]) {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Leaves the bytes so far to whoever asks next. */
  async release(): Promise<void> {
    if ((await this.size()) > 0) {
      try {
        await rename(this.#folder, `${this.#target}.unfinished`);
        return;
      } catch {
        // Another process left its own there: one is enough.
      }
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
