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
    // The luma of ITU-R BT.601.
    data[pixel] = Math.round(
      0.299 * image[3 * pixel]! + 0.587 * image[3 * pixel + 1]! + 0.114 * image[3 * pixel + 2]!,
    );
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
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  const mean = sum / values.length;
  const result = new Float64Array(values.length);
  let squares = 0;
  for (let at = 0; at < values.length; at++) {
    result[at] = values[at]! - mean;
    squares += result[at]! ** 2;
  }
  const length = Math.sqrt(squares);
  for (let at = 0; length > 0 && at < values.length; at++) result[at]! /= length;
  return result;
}
