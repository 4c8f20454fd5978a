import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, withView } from './heap.js';
import { leftAcross } from './left-factor.js';
import { packedProduct } from './packed-product.js';
import { withPackedRight } from './packing.js';
import type { PanelFunctions } from './panels.js';
import { fillPixelAddresses, geometryOf, type PixelGeometry } from './pixel-addresses.js';
import { withRowsOfTaps } from './rows-of-taps.js';

/** Output positions of one partial sum: both factors stay in the second-level cache, and the error of a long sum stays small. */
const POSITIONS = 512;

/** A pixel in the padding. No tensor begins there. */
const MISSING = 0;

/** Input channels from which the products of single taps are as fast as those of rows of taps. */
const MANY_CHANNELS = 32;

/**
 * Filter gradient of conv2d: for each part of the positions and for each tap of the filter, a product of the pixels that the tap meets,
 * packed straight from the image, with the gradient of the output. With few channels a row of taps is taken for one tap: its pixels are
 * neighbors in memory.
 */
export function filterGradientInPanels(
  functions: PanelFunctions,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { filterWidth, inChannels, outChannels } = info;
  const out = allocate(backend, info.filterShape);
  floats(backend, out).fill(0);
  if (inChannels === 0 || outChannels === 0) return out;
  if (filterWidth > 1 && inChannels < MANY_CHANNELS) {
    withRowsOfTaps(backend, x, info, (padded, geometry) =>
      addProducts(functions, backend, { x: padded, dy, out, outChannels }, geometry, true),
    );
  } else {
    addProducts(functions, backend, { x, dy, out, outChannels }, geometryOf(info), false);
  }
  return out;
}

/** @param isFollowed whether 3 numbers after what a tap takes are in memory, too. */
function addProducts(
  functions: PanelFunctions,
  backend: BackendWasm,
  {
    x,
    dy,
    out,
    outChannels,
  }: Readonly<Record<'x' | 'dy' | 'out', TensorInfo>> & { readonly outChannels: number },
  geometry: PixelGeometry,
  isFollowed: boolean,
): void {
  const { tapChannels } = geometry;
  const taps = geometry.filterHeight * geometry.filterWidth;
  const positions = geometry.batchSize * geometry.outHeight * geometry.outWidth;
  const rows = { info: dy, start: 0, rows: positions, columns: outChannels, transposed: false };
  const start = backend.getMemoryOffset(x.dataId);
  const order = { groupStep: 4, tapStep: POSITIONS };
  const addresses = new Int32Array(taps * POSITIONS);
  for (let first = 0; first < positions; first += POSITIONS) {
    const length = Math.min(POSITIONS, positions - first);
    fillPixelAddresses(geometry, start, MISSING, [first, length], addresses, order);
    withPackedRight(functions, backend, rows, [first, first + length], (right) => {
      for (let tap = 0; tap < taps; tap++) {
        const ofTap = addresses.subarray(tap * POSITIONS);
        const left = leftAcross(functions, tapChannels, length, (i) => ofTap[i]! || undefined, isFollowed);
        withView(backend, out, tap * tapChannels * outChannels, [tapChannels, outChannels], (part) =>
          packedProduct(functions, backend, left, right, part, { adds: true }),
        );
      }
    });
  }
}
