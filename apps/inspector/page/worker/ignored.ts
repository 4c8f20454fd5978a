import type { PixelBuffer } from '@dskd/base';
import type { Detector } from '@dskd/detector';
import type { Area } from './api.js';

/** Fine enough for every input of a network. Where images are stretched, a mask needs none of their proportions. */
const STRETCHED = { width: 512, height: 512 };

/** Areas as an ignore mask: not 0 where a pixel does not count; undefined without areas. */
export function ignoreMask(
  areas: readonly Area[],
  { width, height }: Pick<PixelBuffer, 'width' | 'height'> = STRETCHED,
): PixelBuffer | undefined {
  if (areas.length === 0) return undefined;
  const data = new Uint8Array(width * height);
  for (const area of areas) {
    const bottom = Math.min(height, Math.ceil((area.top + area.height) * height));
    const left = Math.max(0, Math.floor(area.left * width));
    const right = Math.min(width, Math.ceil((area.left + area.width) * width));
    for (let y = Math.max(0, Math.floor(area.top * height)); y < bottom; y++) {
      data.fill(1, y * width + left, y * width + right);
    }
  }
  return { data, width, height, channels: 1 };
}

/** {@link ignoreMask} for a prediction: as it was for the training; in the image's own pixels where it is letterboxed. */
export function ignoredFor(
  { description }: Detector,
  areas: readonly Area[],
  image: Pick<PixelBuffer, 'width' | 'height'>,
): { readonly ignored?: PixelBuffer } {
  const ignored = ignoreMask(areas, description.resize.fit === 'stretch' ? STRETCHED : image);
  return ignored ? { ignored } : {};
}
