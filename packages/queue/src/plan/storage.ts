import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';

export const sha256 = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex');

/** SHA-256 of a regular file, read in pieces; null for what is none or cannot be read. */
export async function sha256OfFile(file: string): Promise<string | null> {
  try {
    // Reading a FIFO may never end.
    if (!(await stat(file)).isFile()) return null;
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    return hash.digest('hex');
  } catch {
    return null;
  }
}

/**
 * The folder that all machines see. Files are written to a temporary name and then renamed, and named after what
 * determines them, so that two writers of one name write the same bytes.
 *
 * - `files/SHA256`: models, teachers and masks.
 * - `plans/ID/plan.json` and `plans/ID/shards/NUMBER.json`.
 * - `results/NA/NAME.jsonl`: the lines of a shard.
 */
export class Storage {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = path.resolve(folder);
  }

  /** The storage of a plan, by the folder of the plan. */
  static ofPlan(folder: string): Storage {
    return new Storage(path.join(folder, '..', '..'));
  }

  planFolder(id: string): string {
    return path.join(this.folder, 'plans', id);
  }

  resultFile(name: string): string {
    return path.join(this.folder, 'results', name.slice(0, 2), `${name}.jsonl`);
  }

  async hasResult(name: string): Promise<boolean> {
    return (await stat(this.resultFile(name)).catch(() => undefined)) !== undefined;
  }

  #file(hash: string): string {
    return path.join(this.folder, 'files', hash);
  }

  /** Keeps a copy of a file. @returns its SHA-256. */
  async keep(content: Uint8Array): Promise<string> {
    const hash = sha256(content);
    // A damaged copy is written again.
    if ((await sha256OfFile(this.#file(hash))) !== hash) await writeFileAtomically(this.#file(hash), content);
    return hash;
  }

  /**
   * Reads what {@link Storage.keep} kept.
   * @param what it is, for the error: `model`.
   * @throws {DskdError} `artifact-invalid` for other bytes than those that were kept, `file-not-found`
   */
  async kept(hash: string, what: string): Promise<Uint8Array> {
    const file = this.#file(hash);
    const content = await readFile(file).catch((cause: unknown) => {
      throw new DskdError('file-not-found', `Cannot read the ${what} ${file}.`, {
        hint: 'Does this machine see the storage of the plan? Submit again: it writes what is missing.',
        details: { path: file },
        cause,
      });
    });
    const got = sha256(content);
    if (got === hash) return new Uint8Array(content);
    throw new DskdError(
      'artifact-invalid',
      `The ${what} ${file} is not the one of the plan: got the SHA-256 ${got}, wanted ${hash}.`,
      {
        hint: 'It was changed after it was submitted. Submit again: it writes the file anew.',
        details: { path: file, got, wanted: hash },
      },
    );
  }
}
