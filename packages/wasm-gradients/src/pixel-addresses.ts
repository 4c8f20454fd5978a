import type { backend_util } from '@tensorflow/tfjs-core';
import { FLOAT } from './heap.js';

/**
 * The numbers of a convolution that decide which pixels its filter meets, NHWC. A tap takes `tapChannels` numbers, beginning
 * with those of the pixel that it meets: `inChannels`, or more where a row of taps is taken for one.
 */
export const GEOMETRY = [
  'batchSize',
  'inHeight',
  'inWidth',
  'inChannels',
  'tapChannels',
  'outHeight',
  'outWidth',
  'filterHeight',
  'filterWidth',
  'strideHeight',
  'strideWidth',
  'dilationHeight',
  'dilationWidth',
  'padTop',
  'padLeft',
] as const;
export type PixelGeometry = Readonly<Record<(typeof GEOMETRY)[number], number>>;

export function geometryOf(info: backend_util.Conv2DInfo): PixelGeometry {
  return { ...info, tapChannels: info.inChannels, padTop: info.padInfo.top, padLeft: info.padInfo.left };
}

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
  geometry: PixelGeometry,
  x: number,
  missing: number,
  [first, count]: readonly [number, number],
  table: Int32Array,
  { groupStep, tapStep }: TableOrder,
): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = geometry;
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = geometry;
  const pixel = inChannels * FLOAT;
  let column = first % outWidth;
  let row = Math.floor(first / outWidth) % outHeight;
  let image = Math.floor(first / (outWidth * outHeight));
  for (let i = 0; i < count; i++) {
    let entry = (i >> 2) * groupStep + (i & 3);
    const left = column * strideWidth - geometry.padLeft;
    for (let tapRow = 0; tapRow < filterHeight; tapRow++) {
      const y = row * strideHeight - geometry.padTop + tapRow * dilationHeight;
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
