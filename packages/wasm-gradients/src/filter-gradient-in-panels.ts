import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, withView } from './heap.js';
import { leftAcross } from './left-factor.js';
import { packedProduct } from './packed-product.js';
import { withPackedRight } from './packing.js';
import type { PanelFunctions } from './panels.js';
import { fillPixelAddresses, geometryOf } from './pixel-addresses.js';

/** Output positions of one partial sum: both factors stay in the second-level cache, and the error of a long sum stays small. */
const POSITIONS = 512;

/** A pixel in the padding. No tensor begins there. */
const MISSING = 0;

/**
 * Filter gradient of conv2d: for each part of the positions and for each tap of the filter, a product of the pixels that the tap meets,
 * packed straight from the image, with the gradient of the output.
 */
export function filterGradientInPanels(
  functions: PanelFunctions,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels, outChannels } = info;
  const out = allocate(backend, info.filterShape);
  floats(backend, out).fill(0);
  const taps = filterHeight * filterWidth;
  const positions = batchSize * outHeight * outWidth;
  if (inChannels === 0 || outChannels === 0) return out;
  const rows = { info: dy, start: 0, rows: positions, columns: outChannels, transposed: false };
  const start = backend.getMemoryOffset(x.dataId);
  const geometry = geometryOf(info);
  const order = { groupStep: 4, tapStep: POSITIONS };
  const addresses = new Int32Array(taps * POSITIONS);
  for (let first = 0; first < positions; first += POSITIONS) {
    const length = Math.min(POSITIONS, positions - first);
    fillPixelAddresses(geometry, start, MISSING, [first, length], addresses, order);
    withPackedRight(functions, backend, rows, [first, first + length], (right) => {
      for (let tap = 0; tap < taps; tap++) {
        const ofTap = addresses.subarray(tap * POSITIONS);
        const left = leftAcross(functions, inChannels, length, (i) => ofTap[i]! || undefined);
        withView(backend, out, tap * inChannels * outChannels, [inChannels, outChannels], (part) =>
          packedProduct(functions, backend, left, right, part, { adds: true }),
        );
      }
    });
  }
  return out;
}
