import type { PixelSize } from '@dskd/data';
import type { Prediction } from '../prediction.js';

/** For each pixel of a line of the image, the pixel of the map's content in which its center lies. */
function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, i) => Math.floor(((i + 0.5) * from) / to));
}

/**
 * Which of an image's own pixels did not count: those whose center lies in a pixel of the map that did not. A
 * letterbox's border is outside the image.
 * @returns `width * height` values, 1 where a pixel did not count; null where all did.
 */
export function ignoredInImage(
  { ignored, content, map }: Pick<Prediction, 'ignored' | 'content' | 'map'>,
  { width, height }: PixelSize,
): Uint8Array | null {
  if (!ignored) return null;
  const across = nearest(content.width, width);
  const down = nearest(content.height, height);
  const inImage = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = (content.top + down[y]!) * map.width + content.left;
    for (let x = 0; x < width; x++) inImage[y * width + x] = ignored[row + across[x]!]!;
  }
  return inImage.includes(1) ? inImage : null;
}
