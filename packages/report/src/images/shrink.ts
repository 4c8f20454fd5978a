import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core/resize';
import type { HeatMap } from './heat-map-overlay.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an image whose longer side is brought to `side`; a smaller image stays as it is. */
export function thumbnailSize({ width, height }: Size, side: number): Size {
  const share = Math.min(1, side / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * share)),
    height: Math.max(1, Math.round(height * share)),
  };
}

/** An image of that size, averaged. */
export function shrinkImage(image: PixelBuffer, size: Size): PixelBuffer {
  return resizeBilinearAntialiased(image, size);
}

/**
 * The greatest of the values that each pixel of the small map covers: however small the map, what was above the
 * threshold stays above it.
 * @param source row-major, `from.width * from.height`; no side of `to` is longer.
 */
export function shrinkByMaximum<T extends Float32Array | Uint8Array>(source: T, from: Size, to: Size): T {
  const result = source.slice(0, to.width * to.height) as T;
  for (let y = 0; y < to.height; y++) {
    const top = Math.floor((y * from.height) / to.height);
    const bottom = Math.ceil(((y + 1) * from.height) / to.height);
    for (let x = 0; x < to.width; x++) {
      const left = Math.floor((x * from.width) / to.width);
      const right = Math.ceil(((x + 1) * from.width) / to.width);
      let most = -Infinity;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          most = Math.max(most, source[row * from.width + column]!);
        }
      }
      result[y * to.width + x] = most;
    }
  }
  return result;
}

/** A map of that size that is as hot as the large one. */
export function shrinkMap(map: HeatMap, size: Size): HeatMap {
  return { data: shrinkByMaximum(map.data, map, size), ...size };
}
