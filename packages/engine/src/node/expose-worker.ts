import { parentPort } from 'node:worker_threads';
import { passDskdErrors } from '@dskd/training/node';
import { expose, type Endpoint } from 'comlink';

/** Lets the thread that started this one call `worker`. */
export function exposeWorker(worker: object): void {
  if (!parentPort) throw new Error('This module is the entry of a worker thread.');
  passDskdErrors();
  // In a worker, Node's MessagePort has the browser's event methods that comlink calls.
  expose(worker, parentPort as unknown as Endpoint);
}
