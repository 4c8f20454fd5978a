// Entry of the thread that exports a detector.
import { transfer } from 'comlink';
import { exportedHere, type ExportWorker } from './export-model.js';
import { exposeWorker } from './expose-worker.js';

const worker: ExportWorker = {
  async export(spec) {
    // A copy: the encoder may have written into a larger buffer.
    const bytes = new Uint8Array(await exportedHere(spec));
    return transfer(bytes, [bytes.buffer]);
  },
};

exposeWorker(worker);
