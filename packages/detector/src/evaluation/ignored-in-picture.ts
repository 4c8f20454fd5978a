import type { PixelSize } from '@dskd/data';
import type { Prediction } from '../prediction.js';

/** For each pixel of a line of the picture, the pixel of the map's content in which its centre lies. */
function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, i) => Math.floor(((i + 0.5) * from) / to));
}

/**
 * Which of a picture's own pixels did not count: those whose centre lies in a pixel of the map that did not. A
 * letterbox's border is outside the picture.
 * @returns `width * height` values, 1 where a pixel did not count; null where all did.
 */
export function ignoredInPicture(
  { ignored, content, map }: Pick<Prediction, 'ignored' | 'content' | 'map'>,
  { width, height }: PixelSize,
): Uint8Array | null {
  if (!ignored) return null;
  const across = nearest(content.width, width);
  const down = nearest(content.height, height);
  const inPicture = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = (content.top + down[y]!) * map.width + content.left;
    for (let x = 0; x < width; x++) inPicture[y * width + x] = ignored[row + across[x]!]!;
  }
  return inPicture.includes(1) ? inPicture : null;
}
