import { DskdError, type PixelBuffer, type RandomStream } from '@dskd/base';
import type { Canvas } from '../raster/canvas.js';
import { FAMILIES, type ProceduralFamily } from './families.js';
import { between } from './random.js';
import { newCanvas, toPixels } from './shapes.js';

export type { ProceduralFamily };

/** Names of the families of procedural images. */
export const PROCEDURAL_FAMILIES = Object.keys(FAMILIES) as readonly ProceduralFamily[];

/** Relative frequency of each family. */
const SHARES: Readonly<Record<ProceduralFamily, number>> = {
  'dead-leaves': 4,
  'noise-fields': 2,
  fractals: 1,
  text: 2,
  'textured-shapes': 4,
  gradients: 1,
};

function drawFamily(random: RandomStream): ProceduralFamily {
  const total = Object.values(SHARES).reduce((sum, share) => sum + share, 0);
  let left = random.integer(total);
  return PROCEDURAL_FAMILIES.find((family) => (left -= SHARES[family]) < 0)!;
}

/** Box blur of 3 x 3 pixels. */
function blur({ size, pixels }: Canvas): void {
  const source = pixels.slice();
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = -1; dy <= 1; dy++) {
          const row = Math.min(size - 1, Math.max(0, y + dy));
          for (let dx = -1; dx <= 1; dx++) {
            const column = Math.min(size - 1, Math.max(0, x + dx));
            sum += source[(row * size + column) * 3 + channel]!;
          }
        }
        pixels[(y * size + x) * 3 + channel] = sum / 9;
      }
    }
  }
}

/** Applies blur, uneven lighting and sensor noise, each to some of the images. */
function photograph(canvas: Canvas, random: RandomStream): void {
  const { size, pixels } = canvas;
  if (random.uniform() < 0.3) blur(canvas);
  const [across, down] = [between(random, -0.3, 0.3), between(random, -0.3, 0.3)];
  const lit = random.uniform() < 0.4 ? 1 : 0;
  const grain = random.uniform() < 0.5 ? between(random, 0, 0.12) : 0;
  if (lit === 0 && grain === 0) return;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const light = 1 + lit * (across * (x / size - 0.5) + down * (y / size - 0.5)) * 2;
      for (let at = (y * size + x) * 3, end = at + 3; at < end; at++) {
        const noise = grain === 0 ? 0 : (random.uniform() - 0.5) * grain;
        pixels[at] = pixels[at]! * light + noise;
      }
    }
  }
}

/**
 * Draws a procedural image: dead leaves, noise, a fractal, text, textured shapes or gradients. The same stream gives
 * the same bytes on the same JavaScript engine (engines may differ in the last bit of sine and cosine).
 * @param size width and height in pixels, at least 8.
 * @param options.family default: drawn from the stream.
 * @returns RGB, 3 channels.
 * @throws {DskdError} `invalid-argument`
 */
export function proceduralImage(
  random: RandomStream,
  size: number,
  { family = drawFamily(random) }: { readonly family?: ProceduralFamily } = {},
): PixelBuffer {
  if (!Number.isInteger(size) || size < 8 || !(family in FAMILIES)) {
    throw new DskdError(
      'invalid-argument',
      `Got an image of ${size} pixels, family '${family}'; wanted a whole number of 8 or more and one of ` +
        `${PROCEDURAL_FAMILIES.join(', ')}.`,
    );
  }
  const canvas = newCanvas(size);
  FAMILIES[family](canvas, random);
  photograph(canvas, random);
  return toPixels(canvas);
}
