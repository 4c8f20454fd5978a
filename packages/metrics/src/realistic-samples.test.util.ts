import { randomStream } from '@dskd/base';
import type { PixelSample } from './index.js';

/** Positive maps with a few percent anomalous pixels, which are higher on average, as from a detector. */
export function realisticSamples(images: number, pixels: number): PixelSample[] {
  return Array.from({ length: images }, (_, image) => {
    const random = randomStream(5, 'pixel-auroc', image);
    const mask = Uint8Array.from({ length: pixels }, () => (random.uniform() < 0.03 ? 255 : 0));
    const map = Float32Array.from(mask, (value) => Math.exp(0.5 * random.normal() + (value ? 0.7 : 0)) / 10);
    return { map, mask };
  });
}
