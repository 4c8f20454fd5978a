import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import type { Size } from '../contract.js';

/** Longer side, in pixels, at which images are aligned. */
const SEARCH_SIDE = 256;

/** The size at which images of this size are aligned: as they are, or the longer side 256 pixels. */
export function searchSizeOf([height, width]: Size): Size {
  const scale = Math.min(1, SEARCH_SIDE / Math.max(height, width));
  const side = (length: number): number => Math.max(1, Math.round(scale * length));
  return [side(height), side(width)];
}

/**
 * The gray values of an image at the size at which it is aligned, as bytes: a file then keeps them exactly.
 * @param image RGB in gray levels, 0..255.
 */
export function grayOf(image: Float32Array, [height, width]: Size): PixelBuffer {
  const data = new Uint8Array(height * width);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const [red, green, blue] = image.subarray(3 * pixel, 3 * pixel + 3);
    // The luma of ITU-R BT.601.
    data[pixel] = Math.round(0.299 * red! + 0.587 * green! + 0.114 * blue!);
  }
  const [rows, columns] = searchSizeOf([height, width]);
  return resizeBilinearAntialiased({ data, height, width, channels: 1 }, { height: rows, width: columns });
}

/** Lengths of the gradients of gray values, by central differences; at the border one-sided. */
export function gradientsOf({ data, height, width }: PixelBuffer): Float32Array {
  const gradients = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const [above, below] = [Math.max(y - 1, 0) * width, Math.min(y + 1, height - 1) * width];
    for (let x = 0; x < width; x++) {
      const across = data[y * width + Math.min(x + 1, width - 1)]! - data[y * width + Math.max(x - 1, 0)]!;
      const down = data[below + x]! - data[above + x]!;
      gradients[y * width + x] = Math.sqrt(across * across + down * down);
    }
  }
  return gradients;
}

/** A vector without its mean, of length 1; all zeros for values that are all the same. */
export function standardized(values: Float32Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centered = Float64Array.from(values, (value) => value - mean);
  const length = Math.sqrt(centered.reduce((sum, value) => sum + value * value, 0));
  return length > 0 ? centered.map((value) => value / length) : centered;
}
