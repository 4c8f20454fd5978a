import type { Area } from './api.js';

/**
 * Areas as an ignore mask of the network's input: 1 where a pixel does not count.
 * @param size `[height, width]` in pixels.
 * @returns `height * width` values; undefined without areas.
 */
export function ignoreMask(
  areas: readonly Area[],
  [height, width]: readonly [number, number],
): Uint8Array | undefined {
  if (areas.length === 0) return undefined;
  const mask = new Uint8Array(height * width);
  for (const area of areas) {
    const bottom = Math.min(height, Math.ceil((area.top + area.height) * height));
    const left = Math.max(0, Math.floor(area.left * width));
    const right = Math.min(width, Math.ceil((area.left + area.width) * width));
    for (let y = Math.max(0, Math.floor(area.top * height)); y < bottom; y++) {
      mask.fill(1, y * width + left, y * width + right);
    }
  }
  return mask;
}
