import type { PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { takeTurns } from '../turns.js';
import type { PixelSize } from './placement.js';

/** Bytes of an image that are resized at a time: about a millisecond of work. */
const SLICE_BYTES = 2 ** 21;

/** Resizes all rows to `width`, some of them at a time. */
async function resizeRows(pixels: PixelBuffer, width: number, sliceBytes: number): Promise<PixelBuffer> {
  const { data, height, channels } = pixels;
  const rowBytes = pixels.width * channels;
  const rows = Math.max(1, Math.floor(sliceBytes / rowBytes));
  const result = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += rows) {
    await takeTurns();
    const count = Math.min(rows, height - y);
    const slice = {
      data: data.subarray(y * rowBytes, (y + count) * rowBytes),
      width: pixels.width,
      height: count,
      channels,
    };
    result.set(resizeBilinearAntialiased(slice, { width, height: count }).data, y * width * channels);
  }
  return { data: result, width, height, channels };
}

/** Copies `height` rows of `bytes` from one image to another. */
function copyColumns(
  from: { readonly data: Uint8Array | Uint8ClampedArray; readonly at: number; readonly stride: number },
  to: { readonly data: Uint8Array; readonly at: number; readonly stride: number },
  { bytes, height }: { readonly bytes: number; readonly height: number },
): void {
  for (let y = 0; y < height; y++) {
    const start = from.at + y * from.stride;
    to.data.set(from.data.subarray(start, start + bytes), to.at + y * to.stride);
  }
}

/** Resizes all columns to `height`, some of them at a time. */
async function resizeColumns(pixels: PixelBuffer, height: number, sliceBytes: number): Promise<PixelBuffer> {
  const { data, width, channels } = pixels;
  const stride = width * channels;
  const columns = Math.max(1, Math.floor(sliceBytes / (pixels.height * channels)));
  if (columns >= width) {
    await takeTurns();
    return resizeBilinearAntialiased(pixels, { width, height });
  }
  const result = new Uint8Array(width * height * channels);
  for (let x = 0; x < width; x += columns) {
    await takeTurns();
    const count = Math.min(columns, width - x);
    const bytes = count * channels;
    const slice = new Uint8Array(bytes * pixels.height);
    const at = x * channels;
    copyColumns(
      { data, at, stride },
      { data: slice, at: 0, stride: bytes },
      { bytes, height: pixels.height },
    );
    const short = resizeBilinearAntialiased(
      { data: slice, width: count, height: pixels.height, channels },
      { width: count, height },
    );
    copyColumns({ data: short.data, at: 0, stride: bytes }, { data: result, at, stride }, { bytes, height });
  }
  return { data: result, width, height, channels };
}

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
  const { width, height } = size;
  const largest = Math.max(pixels.data.length, width * pixels.height * pixels.channels);
  if (largest <= sliceBytes) return resizeBilinearAntialiased(pixels, size);
  const narrow = pixels.width === width ? pixels : await resizeRows(pixels, width, sliceBytes);
  if (pixels.height !== height) return resizeColumns(narrow, height, sliceBytes);
  return narrow === pixels ? resizeBilinearAntialiased(pixels, size) : narrow;
}
