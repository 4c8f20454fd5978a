import { Worker } from 'node:worker_threads';
import type { HelperData } from '../threads/helper.js';
import type { HelperThread } from '../threads/helper-thread.js';

/** Threads of Node share memory. */
export const canShareMemory = (): boolean => true;

/** @param module what the thread runs. It does not keep the process alive once it is ready. */
export function startHelper(
  data: HelperData,
  module: URL = new URL('../threads/helper-node.js', import.meta.url),
): HelperThread {
  // Without the options of this process, some of which a thread refuses (--input-type).
  const worker = new Worker(module, { workerData: data, execArgv: [] });
  return {
    ready: new Promise((resolve, reject) => {
      worker.once('message', () => {
        worker.unref();
        resolve();
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`exit code ${code}`)));
    }),
    ended: new Promise((resolve) => {
      worker.once('error', ({ message }) => resolve(message));
      worker.once('exit', (code) => resolve(`exit code ${code}`));
    }),
    async end() {
      await worker.terminate();
    },
  };
}
