import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, withScratch } from './heap.js';
import { PANEL_ROWS } from './panels.js';
import { geometryOf, type PixelGeometry } from './pixel-addresses.js';

/**
 * Runs `work` on a copy of the images with their padding, and on its geometry: each row of the filter is one tap, which takes
 * the pixels of all taps of that row. They are neighbors in memory, so that with few channels more numbers are copied at once.
 * The filter must not have a dilation along its rows. At least 3 further numbers of memory follow the copy.
 */
export function withRowsOfTaps<T>(
  backend: BackendWasm,
  x: TensorInfo,
  info: backend_util.Conv2DInfo,
  work: (padded: TensorInfo, geometry: PixelGeometry) => T,
): T {
  const { batchSize, inHeight, inWidth, inChannels, filterWidth, padInfo } = info;
  const height = (info.outHeight - 1) * info.strideHeight + (info.filterHeight - 1) * info.dilationHeight + 1;
  const width = (info.outWidth - 1) * info.strideWidth + filterWidth;
  const line = Math.min(width - padInfo.left, inWidth) * inChannels;
  // None where all of the filter is in the padding.
  const last = line > 0 ? Math.min(height, padInfo.top + inHeight) : 0;
  const size = batchSize * height * width * inChannels;
  return withScratch(backend, [size + PANEL_ROWS], (padded) => {
    const target = floats(backend, padded).fill(0);
    const values = floats(backend, x);
    for (let image = 0; image < batchSize; image++) {
      for (let row = padInfo.top; row < last; row++) {
        const from = (image * inHeight + row - padInfo.top) * inWidth * inChannels;
        const to = ((image * height + row) * width + padInfo.left) * inChannels;
        target.set(values.subarray(from, from + line), to);
      }
    }
    return work(padded, {
      ...geometryOf(info),
      ...{ inHeight: height, inWidth: width, padTop: 0, padLeft: 0 },
      ...{ filterWidth: 1, tapChannels: filterWidth * inChannels },
    });
  });
}
