import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { Alarm, AlarmEvent } from '../alarm.js';
import { RefusedAlarms } from './refused-alarms.js';
import { fileName, sequenceIn, type SpoolLimits } from './spool-files.js';

export interface SpoolOptions {
  readonly limits: SpoolLimits;
  /** Whether alarms that were refused wait again. */
  readonly retryRefused: boolean;
  /** Is told what happens to the files. */
  readonly onEvent: (event: SpoolEvent) => void;
}

export type SpoolEvent =
  /** There were too many: the oldest that is not being delivered is lost. */
  | { readonly type: 'alarm-dropped'; readonly id: string }
  /** The disk does not take it. It is kept in memory, and lost if the process ends before it is delivered. */
  | { readonly type: 'alarm-not-on-disk'; readonly id: string; readonly error: unknown }
  /** A file of the spool cannot be read. It is renamed to `NAME.damaged`. */
  | { readonly type: 'spool-damaged'; readonly file: string; readonly error: unknown }
  /** A file of an alarm that is delivered, refused or dropped cannot be removed: after the next start it is delivered again. */
  | { readonly type: 'spool-not-removed'; readonly file: string; readonly error: unknown };

/** An alarm that waits. */
interface Entry {
  readonly sequence: number;
  readonly bytes: number;
  /** Known where it came in this run. */
  readonly id: string;
  /** Where it could not be written. */
  readonly kept: Alarm | undefined;
}

/** An alarm as a file. */
interface StoredAlarm {
  readonly event: AlarmEvent;
  readonly image?: { readonly base64: string; readonly extension: string };
}

function serialized({ event, image }: Alarm): string {
  const stored: StoredAlarm = {
    event,
    ...(image && {
      image: { base64: Buffer.from(image.bytes).toString('base64'), extension: image.extension },
    }),
  };
  return JSON.stringify(stored);
}

function parsed(text: string): Alarm {
  const { event, image } = JSON.parse(text) as StoredAlarm;
  if (typeof event.id !== 'string') throw new TypeError('The alarm has no id.');
  if (!image) return { event };
  return {
    event,
    image: { bytes: new Uint8Array(Buffer.from(image.base64, 'base64')), extension: image.extension },
  };
}

/** A rename is in the folder, not in the file: without this it may be lost with the power. */
async function flushFolder(folder: string): Promise<void> {
  // Windows opens no folders.
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Alarms that wait for their delivery, in their order. In a folder each is a file, which is on the disk when `add` resolves; a process
 * that is killed finds them again. Without a folder they are in memory.
 */
export class Spool {
  readonly #folder: string | undefined;
  readonly #options: SpoolOptions;
  readonly #entries: Entry[] = [];
  #next = 0;
  #bytes = 0;
  #refused: RefusedAlarms | undefined;
  /** Sequence of the alarm that is being delivered: it is not dropped. */
  #held: number | undefined;
  #adding: Promise<unknown> = Promise.resolve();

  private constructor(folder: string | undefined, options: SpoolOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Opens a spool, with the alarms that are in its folder.
   * @param folder is created where it is missing; undefined: in memory.
   * @throws {DskdError} `file-not-writable`
   */
  static async open(folder: string | undefined, options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(folder, options);
    if (folder !== undefined) await spool.#find(folder);
    return spool;
  }

  /** How many wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** How many were refused and are set aside. */
  get refused(): number {
    return this.#refused?.size ?? 0;
  }

  /** Adds an alarm after all others. It is safe when the promise resolves, which it always does. */
  add(alarm: Alarm): Promise<void> {
    const added = this.#adding.then(() => this.#write(alarm));
    this.#adding = added;
    return added;
  }

  /**
   * The oldest alarm. It stays, and is not dropped, until `remove` or `release`.
   * @returns undefined where none waits.
   */
  async first(): Promise<Alarm | undefined> {
    for (let entry = this.#entries[0]; entry; entry = this.#entries[0]) {
      this.#held = entry.sequence;
      if (entry.kept) return entry.kept;
      const file = this.#fileOf(entry);
      try {
        return parsed(await readFile(file, 'utf8'));
      } catch (error) {
        await rename(file, `${file}.damaged`).catch(() => undefined);
        this.#options.onEvent({ type: 'spool-damaged', file, error });
        this.#forget(entry);
      }
    }
    this.#held = undefined;
    return undefined;
  }

  /** Removes the alarm that `first` gave: it is delivered. */
  async remove(): Promise<void> {
    const entry = this.#entries[0];
    if (!entry || entry.sequence !== this.#held) return;
    this.#forget(entry);
    this.#held = undefined;
    await this.#removeFile(entry);
  }

  /**
   * Sets the alarm that `first` gave aside: its receiver will never take it.
   * @returns its file; undefined where there is no folder, or the disk does not take it.
   */
  async setAside(): Promise<string | undefined> {
    const entry = this.#entries[0];
    if (!entry || entry.sequence !== this.#held) return undefined;
    this.#forget(entry);
    this.#held = undefined;
    const { sequence, bytes, kept, id } = entry;
    try {
      const aside = await this.#refused?.add(sequence, bytes, kept && serialized(kept));
      for (const lost of aside?.lost ?? []) this.#options.onEvent({ type: 'alarm-dropped', id: lost });
      return aside?.file;
    } catch (error) {
      const file = this.#fileOf(entry);
      this.#options.onEvent(
        kept ? { type: 'alarm-dropped', id } : { type: 'spool-not-removed', file, error },
      );
      return undefined;
    }
  }

  /** The alarm that `first` gave is not being delivered any more. */
  release(): void {
    this.#held = undefined;
  }

  async #find(folder: string): Promise<void> {
    try {
      await mkdir(folder, { recursive: true });
      this.#refused = await RefusedAlarms.open(folder, this.#options.limits);
      // Also after all were moved: the number of a refused one is not given again.
      this.#next = this.#refused.next;
      if (this.#options.retryRefused) await this.#refused.moveBack();
      for (const name of (await readdir(folder)).sort()) {
        const sequence = sequenceIn(name);
        if (sequence === undefined) continue;
        const { size } = await stat(path.join(folder, name));
        this.#enter({ sequence, bytes: size, id: '', kept: undefined });
      }
    } catch (cause) {
      throw new DskdError('file-not-writable', `Cannot use the folder ${folder} to keep alarms.`, {
        hint: 'Choose another folder, or give this process the right to write there.',
        details: { path: folder },
        cause,
      });
    }
    this.#next = Math.max(this.#next, (this.#entries.at(-1)?.sequence ?? -1) + 1);
  }

  async #write(alarm: Alarm): Promise<void> {
    const { id } = alarm.event;
    const sequence = this.#next++;
    if (this.#folder === undefined) {
      this.#enter({ sequence, bytes: 0, id, kept: alarm });
    } else {
      const content = serialized(alarm);
      try {
        await writeFileAtomically(path.join(this.#folder, fileName(sequence)), content);
        await flushFolder(this.#folder);
        this.#enter({ sequence, bytes: content.length, id, kept: undefined });
      } catch (error) {
        this.#enter({ sequence, bytes: 0, id, kept: alarm });
        this.#options.onEvent({ type: 'alarm-not-on-disk', id, error });
      }
    }
    await this.#makeRoom();
  }

  /** Drops the oldest that are too many. */
  async #makeRoom(): Promise<void> {
    const { alarms, bytes } = this.#options.limits;
    while (this.#entries.length > 1 && (this.#entries.length > alarms || this.#bytes > bytes)) {
      const oldest = this.#entries[0]!.sequence === this.#held ? this.#entries[1]! : this.#entries[0]!;
      // The newest is what is added.
      if (oldest === this.#entries.at(-1)) return;
      this.#forget(oldest);
      const id = oldest.id === '' ? await idIn(this.#fileOf(oldest)) : oldest.id;
      await this.#removeFile(oldest);
      this.#options.onEvent({ type: 'alarm-dropped', id });
    }
  }

  async #removeFile(entry: Entry): Promise<void> {
    if (entry.kept) return;
    const file = this.#fileOf(entry);
    try {
      await rm(file, { force: true });
    } catch (error) {
      this.#options.onEvent({ type: 'spool-not-removed', file, error });
    }
  }

  #enter(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  #forget(entry: Entry): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#bytes -= entry.bytes;
  }

  #fileOf({ sequence }: Entry): string {
    return path.join(this.#folder ?? '', fileName(sequence));
  }
}

async function idIn(file: string): Promise<string> {
  try {
    return parsed(await readFile(file, 'utf8')).event.id;
  } catch {
    return path.basename(file);
  }
}
