import { throwIfAborted } from '@dskd/base';
import { generateScene, planDataset } from '@dskd/synthetic';
import type { ExampleImage, OnProgress } from './api.js';
import { encoded } from './pictures.js';

const CATEGORY = 'tray';
const SIZE = 256;
const PLAN = { category: CATEGORY, train: 40, validation: 0, test: 18, seed: 1 };

/** Draws good parts to learn, and good and faulty ones to inspect. */
export async function drawExample(onProgress: OnProgress, signal: AbortSignal): Promise<ExampleImage[]> {
  const plan = planDataset(PLAN);
  const images: ExampleImage[] = [];
  for (const { path, ...scene } of plan) {
    throwIfAborted(signal);
    const { image, label } = generateScene({ ...scene, size: SIZE });
    images.push({
      id: `${path}.png`,
      file: await encoded(image),
      use: scene.split === 'train' ? 'learn' : 'inspect',
      truth: label === 'good' ? 'good' : 'anomalous',
    });
    onProgress({ stage: 'drawing', share: images.length / plan.length });
  }
  return images;
}
