// A detector on a backbone of your own: students are trained in worker threads, images inspected in another.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { selectBackend } from '@dskd/core/backends';
import { decodeImage, listImages, openSource } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { workerRunnerFor } from '@dskd/methods/node';
import { writeDataset } from '@dskd/synthetic/node';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { loadBackbone } from './backbone.js';
import type { Inspected, Inspection } from './inspect.js';
import { writeStandInModel } from './stand-in-model.js';

await selectBackend('wasm');
registerWasmGradients();

const counts = { train: 16, validation: 8, test: 4 };
const dataset = { category: 'tray', size: 128, seed: 7, ...counts, overwrite: true };
const { folder } = await writeDataset('out', dataset);
const model = await writeStandInModel('out/model');

const teacher = await loadBackbone(model);
const levels = teacher.extractor.levels.map(({ name, stride }) => `${name} at stride ${stride}`);
console.log(`levels: ${levels.join(', ')}`);
const detector = await trainDetector({
  source: await openSource({ root: folder }),
  teacher,
  method: 'dskd',
  options: { preset: 'nano', epochs: Number(process.argv[2] ?? 10), batchSize: 8, reestimateBatchNorm: true },
  input: { size: [64, 64] },
  execution: { runner: workerRunnerFor() }, // students learn from the features that this thread's backbone gives
});
// The file names the backbone by its hash: only backbones of @dskd/models can lie inside.
await saveDetectorFile(detector, 'out/detector.safetensors', { embedTeacher: false });

const images = await listImages([path.join(folder, 'test')]);
const inspection: Inspection = { model, detector: 'out/detector.safetensors', images };
const worker = new Worker(new URL('./inspect.js', import.meta.url), { workerData: inspection });
const inspected: Inspected[] = [];
worker.on('message', (image: Inspected) => inspected.push(image));
await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));

for (const { file, score, verdict } of inspected) {
  const here = await detector.predict(await decodeImage(file));
  const name = path.relative(folder, file);
  console.log(`${name}: ${verdict}, ${score.toFixed(2)}, the same in both threads: ${score === here.score}`);
}
detector.dispose();
teacher.dispose();
