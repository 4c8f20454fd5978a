import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import type { PixelSize } from './placement.js';

/** Bytes of an image that are resized at a time: about 8 ms of work. */
const SLICE_BYTES = 8 * 2 ** 20;

/** Lets the event loop run. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Resizes as `resizeBilinearAntialiased` does, to the same bytes, but blocks the event loop only for a part of a large
 * image: its rows are resized independently of each other, then the columns of the result.
 * @param pixels 1 or 3 channels: those of RGBA depend on each other in both directions.
 */
export async function resizeInSlices(
  pixels: PixelBuffer,
  size: PixelSize,
  sliceBytes: number = SLICE_BYTES,
): Promise<PixelBuffer> {
  const { data, width, height, channels } = pixels;
  const rows = Math.max(1, Math.floor(sliceBytes / (width * channels)));
  if (rows >= height || size.width === width) return resizeBilinearAntialiased(pixels, size);
  const middle = new Uint8Array(size.width * height * channels);
  for (let y = 0; y < height; y += rows) {
    const count = Math.min(rows, height - y);
    const slice = {
      data: data.subarray(y * width * channels, (y + count) * width * channels),
      width,
      height: count,
      channels,
    };
    const narrow = resizeBilinearAntialiased(slice, { width: size.width, height: count });
    middle.set(narrow.data, y * size.width * channels);
    await pause();
  }
  return resizeBilinearAntialiased({ data: middle, width: size.width, height, channels }, size);
}
