// A worker thread that inspects images: it makes its own copy of the backbone and reads the detector's file.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector } from '@dskd/detector';
import { predictFiles } from '@dskd/detector/node';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { loadBackbone } from './backbone.js';

export interface Inspection {
  readonly model: string;
  readonly detector: string;
  readonly images: readonly string[];
}

export interface Inspected {
  readonly file: string;
  readonly score: number;
  readonly verdict: 'normal' | 'anomalous';
}

const { model, detector: file, images } = workerData as Inspection;
await selectBackend('wasm');
// In every thread that computes: it is faster, and scores have the same bits in all of them.
registerWasmGradients();
const teacher = await loadBackbone(model);
const detector = await loadDetector(await readFile(file), { teacher });
for await (const { source, prediction } of predictFiles(detector, images)) {
  const { score, verdict } = prediction;
  parentPort!.postMessage({ file: String(source), score, verdict } satisfies Inspected);
}
detector.dispose();
teacher.dispose();
