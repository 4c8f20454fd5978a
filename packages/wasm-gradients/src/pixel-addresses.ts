import type { backend_util } from '@tensorflow/tfjs-core';
import { FLOAT } from './heap.js';

/** Where a table has its entries: `4 positions after another`, and one filter tap after another. */
interface TableOrder {
  /** Distance between groups of 4 output positions. */
  readonly groupStep: number;
  /** Distance between neighboring taps of the filter. */
  readonly tapStep: number;
}

/**
 * Fills a table with the addresses of the input pixels that the filter's taps meet at output positions `first` to
 * `first + count`; `missing` for pixels in the padding, and for positions after the last. NHWC.
 * @param x address of the input.
 */
export function fillPixelAddresses(
  info: backend_util.Conv2DInfo,
  x: number,
  missing: number,
  [first, count]: readonly [number, number],
  table: Int32Array,
  { groupStep, tapStep }: TableOrder,
): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo } = info;
  const pixel = inChannels * FLOAT;
  let column = first % outWidth;
  let row = Math.floor(first / outWidth) % outHeight;
  let image = Math.floor(first / (outWidth * outHeight));
  for (let i = 0; i < count; i++) {
    let entry = (i >> 2) * groupStep + (i & 3);
    const left = column * strideWidth - padInfo.left;
    for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
      const y = row * strideHeight - padInfo.top + tapRow * dilationHeight;
      const line = x + (image * inHeight + y) * inWidth * pixel;
      const isInside = image < batchSize && y >= 0 && y < inHeight;
      for (let tapColumn = 0; tapColumn < filterWidth; tapColumn++) {
        const at = left + tapColumn * dilationWidth;
        table[entry] = isInside && at >= 0 && at < inWidth ? line + at * pixel : missing;
        entry += tapStep;
      }
    }
    if (++column === outWidth) {
      column = 0;
      if (++row === outHeight) {
        row = 0;
        image++;
      }
    }
  }
}
