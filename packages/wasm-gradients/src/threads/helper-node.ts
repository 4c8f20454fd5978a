// Entry of a helper thread in Node.
import { parentPort, workerData } from 'node:worker_threads';
import { help, type HelperData } from './helper.js';

help(workerData as HelperData, () => parentPort!.postMessage('ready'));
