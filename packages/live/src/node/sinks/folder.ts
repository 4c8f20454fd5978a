import path from 'node:path';
import { writeFileAtomically } from '@dskd/data/node';
import type { Alarm } from '../alarm.js';
import { reasonOf } from '../reason.js';
import { deliveryFailed, type Sink } from './sink.js';

/** Writes each alarm as `TIME-ID.json`, with its image beside it. Where the JSON file is, the image is complete. */
export class FolderSink implements Sink {
  readonly name: string;
  readonly isSpooled = true;
  readonly wantsImage = true;
  readonly #folder: string;

  constructor(folder: string) {
    this.name = `folder:${folder}`;
    this.#folder = folder;
  }

  async deliver({ event, image }: Alarm): Promise<void> {
    // No colon, which Windows does not take.
    const stem = path.join(this.#folder, `${event.time.replaceAll(/[-:]/g, '')}-${event.id}`);
    const file = image && `${stem}.${image.extension}`;
    try {
      if (image && file !== undefined) await writeFileAtomically(file, image.bytes);
      const written = { ...event, ...(file !== undefined && { image: path.basename(file) }) };
      await writeFileAtomically(`${stem}.json`, `${JSON.stringify(written, null, 2)}\n`);
    } catch (cause) {
      throw deliveryFailed(this.name, reasonOf(cause), { cause });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
