// A helper thread that takes one block of each job and does not compute it: it says that it has done it, but so late that the thread
// which gave the job must have computed the block itself.
import { parentPort, workerData } from 'node:worker_threads';
import type { HelperData } from './helper.js';
import { DONE, FINISHED, JOB, takeBlock } from './job.js';

/** Milliseconds. */
const LATE = 300;

const { control } = workerData as HelperData;
const never = new Int32Array(new SharedArrayBuffer(4));
parentPort!.postMessage('ready');
for (;;) {
  const job = Atomics.load(control, FINISHED);
  Atomics.wait(control, JOB, job);
  if (takeBlock(control, 'first') !== undefined) {
    Atomics.wait(never, 0, 0, LATE);
    Atomics.add(control, DONE, 1);
  }
  Atomics.store(control, FINISHED, Atomics.load(control, JOB));
}
