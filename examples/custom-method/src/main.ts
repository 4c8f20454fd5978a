// Trains a detector with the method of pixel-mean.ts on drawn images, saves it, loads it and inspects an image.
import { writeDataset } from '@dskd/synthetic/node';
import { loadDetector, trainDetector } from 'dskd';
import './pixel-mean.js';

const counts = { train: 16, validation: 8, test: 6 };
const dataset = { category: 'tray', size: 128, seed: 7, ...counts, overwrite: true };
const { folder } = await writeDataset('out', dataset);

using trained = await trainDetector(folder, { method: 'pixel-mean', options: { floor: 0.05 } });
await trained.save('out/detector.safetensors');
using detector = await loadDetector('out/detector.safetensors');
const { verdict, score } = await detector.predict(`${folder}/test/good/000.png`);
console.log(`${detector.description.method}: ${verdict}, score ${score.toFixed(2)}`);
const { fused } = await detector.evaluate(folder);
console.log(`image AUROC ${fused.imageAuroc.toFixed(2)}`);
