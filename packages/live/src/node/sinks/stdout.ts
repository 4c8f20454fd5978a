import type { Alarm } from '../alarm.js';
import type { Sink } from './sink.js';

/** Prints a line of JSON for each alarm. A slow reader is waited for. */
export class StdoutSink implements Sink {
  readonly name = 'stdout';
  readonly isSpooled = false;
  readonly wantsImage = false;

  deliver({ event }: Alarm): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(`${JSON.stringify(event)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
