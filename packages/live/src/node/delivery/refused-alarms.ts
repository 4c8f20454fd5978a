import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@dskd/data/node';
import { fileName, sequenceIn, type SpoolLimits } from './spool-files.js';

/** The folder of refused alarms in that of a sink. */
export function refusedFolder(spool: string): string {
  return path.join(spool, 'refused');
}

interface Refused {
  readonly sequence: number;
  readonly bytes: number;
}

/**
 * Alarms that a receiver will never take, as files beside those that wait. They keep their names, which no other alarm of the spool
 * gets, so that a file that is moved back is in its old place.
 */
export class RefusedAlarms {
  readonly #spool: string;
  readonly #folder: string;
  readonly #limits: SpoolLimits;
  #files: Refused[] = [];

  private constructor(spool: string, limits: SpoolLimits) {
    this.#spool = spool;
    this.#folder = refusedFolder(spool);
    this.#limits = limits;
  }

  /** Finds those that are there. @param spool folder of a sink. */
  static async open(spool: string, limits: SpoolLimits): Promise<RefusedAlarms> {
    const refused = new RefusedAlarms(spool, limits);
    // Where none was refused there is no folder.
    for (const name of (await readdir(refused.#folder).catch(() => [])).sort()) {
      const sequence = sequenceIn(name);
      if (sequence === undefined) continue;
      const { size } = await stat(path.join(refused.#folder, name));
      refused.#files.push({ sequence, bytes: size });
    }
    return refused;
  }

  get size(): number {
    return this.#files.length;
  }

  /** A number above those of all. */
  get next(): number {
    return (this.#files.at(-1)?.sequence ?? -1) + 1;
  }

  /** Moves all of them back to those that wait. */
  async moveBack(): Promise<void> {
    for (const { sequence } of this.#files) {
      await rename(this.#fileOf(sequence), path.join(this.#spool, fileName(sequence)));
    }
    this.#files = [];
  }

  /**
   * Takes an alarm.
   * @param content of one that is not on the disk; otherwise its file is moved here.
   * @returns its file, and the names of the oldest ones, which are lost where there are too many.
   */
  async add(
    sequence: number,
    bytes: number,
    content: string | undefined,
  ): Promise<{ readonly file: string; readonly lost: readonly string[] }> {
    await mkdir(this.#folder, { recursive: true });
    const file = this.#fileOf(sequence);
    if (content === undefined) await rename(path.join(this.#spool, fileName(sequence)), file);
    else await writeFileAtomically(file, content);
    this.#files.push({ sequence, bytes: content?.length ?? bytes });
    return { file, lost: await this.#makeRoom() };
  }

  async #makeRoom(): Promise<string[]> {
    const { alarms, bytes } = this.#limits;
    const lost: string[] = [];
    const sum = (): number => this.#files.reduce((total, each) => total + each.bytes, 0);
    while (this.#files.length > 1 && (this.#files.length > alarms || sum() > bytes)) {
      const { sequence } = this.#files.shift()!;
      await rm(this.#fileOf(sequence), { force: true });
      lost.push(fileName(sequence));
    }
    return lost;
  }

  #fileOf(sequence: number): string {
    return path.join(this.#folder, fileName(sequence));
  }
}
