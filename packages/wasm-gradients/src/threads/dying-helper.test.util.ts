// A helper thread that ends in the middle of its first job, which it has begun.
import { parentPort, workerData } from 'node:worker_threads';
import type { HelperData } from './helper.js';
import { JOB, takeBlock } from './job.js';

const { control } = workerData as HelperData;
parentPort!.postMessage('ready');
Atomics.wait(control, JOB, 0);
takeBlock(control, 'first');
throw new Error('killed');
