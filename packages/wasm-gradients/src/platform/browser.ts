import type { HelperData } from '../threads/helper.js';
import type { HelperThread } from '../threads/helper-thread.js';

/** Threads of a page share memory where it is isolated from other pages (COOP and COEP). */
export const canShareMemory = (): boolean => typeof SharedArrayBuffer !== 'undefined' && crossOriginIsolated;

/** @param module what the thread runs instead of this package's own module. */
export function startHelper(data: HelperData, module?: URL): HelperThread {
  // Spelled out, so that bundlers find the module.
  const worker = module
    ? new Worker(module, { type: 'module' })
    : new Worker(new URL('../threads/helper-browser.js', import.meta.url), { type: 'module' });
  worker.postMessage(data);
  const failed = new Promise<string>((resolve) => {
    worker.addEventListener('error', ({ message }) => resolve(message || 'its module could not be loaded'));
  });
  return {
    ready: new Promise((resolve, reject) => {
      worker.addEventListener('message', () => resolve(), { once: true });
      void failed.then((message) => reject(new Error(message)));
    }),
    ended: failed,
    end() {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
