import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, floats } from './heap.js';
import { BLOCK_POSITIONS, type OuterProducts, TILE_COLUMNS, TILE_ROWS } from './outer-products.js';

/** Output rows `firstRow..lastRow` of images `firstImage..lastImage`, the positions of one partial sum. */
export interface Band {
  readonly firstImage: number;
  readonly lastImage: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Splits all output positions into bands of about equal size, of at most `positions` if a row is not longer. */
export function bandsOf(
  { batchSize, outHeight, outWidth }: backend_util.Conv2DInfo,
  positions: number,
): Band[] {
  const rows = Math.max(1, Math.min(outHeight, Math.floor(positions / outWidth)));
  const images = rows < outHeight ? 1 : Math.max(1, Math.floor(positions / (outHeight * outWidth)));
  const rowParts = Math.ceil(outHeight / rows);
  const imageParts = Math.ceil(batchSize / images);
  const bands: Band[] = [];
  for (let p = 0; p < imageParts; p++) {
    for (let r = 0; r < rowParts; r++) {
      bands.push({
        firstImage: Math.floor((batchSize * p) / imageParts),
        lastImage: Math.floor((batchSize * (p + 1)) / imageParts),
        firstRow: Math.floor((outHeight * r) / rowParts),
        lastRow: Math.floor((outHeight * (r + 1)) / rowParts),
      });
    }
  }
  return bands;
}

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Whether the filter can be divided into whole tiles. */
export function fitsTiles({ inChannels, outChannels }: backend_util.Conv2DInfo): boolean {
  return inChannels % TILE_ROWS === 0 && outChannels % TILE_COLUMNS === 0;
}

/** Filter gradient of conv2d, computed from the images without copying, transposing or padding them. */
export function directFilterGradient(
  outerProducts: OuterProducts,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { inChannels, outChannels, filterHeight, filterWidth } = info;
  const out = allocate(backend, info.filterShape);
  floats(backend, out).fill(0);
  const xStart = backend.getMemoryOffset(x.dataId);
  const dyStart = backend.getMemoryOffset(dy.dataId);
  const outStart = backend.getMemoryOffset(out.dataId);
  const outStride = outChannels * BYTES;
  for (const band of bandsOf(info, BLOCK_POSITIONS)) {
    for (let tap = 0; tap < filterHeight * filterWidth; tap++) {
      const meeting = meetingOf(info, band, Math.floor(tap / filterWidth), tap % filterWidth);
      if (!meeting) continue;
      const { width, height, images, xSteps, dySteps } = meeting;
      for (let column = 0; column < outChannels; column += TILE_COLUMNS) {
        const right = dyStart + meeting.dyStart + column * BYTES;
        for (let row = 0; row < inChannels; row += TILE_ROWS) {
          outerProducts(
            xStart + meeting.xStart + row * BYTES,
            right,
            outStart + (tap * inChannels + row) * outStride + column * BYTES,
            outStride,
            width,
            xSteps[0],
            dySteps[0],
            height,
            xSteps[1] - width * xSteps[0],
            dySteps[1] - width * dySteps[0],
            images,
            xSteps[2] - height * xSteps[1],
            dySteps[2] - height * dySteps[1],
          );
        }
      }
    }
  }
  return out;
}

/** Output positions along one side for which the input of the given tap is inside the image. */
function within(
  range: readonly [number, number],
  tap: number,
  stride: number,
  before: number,
  input: number,
) {
  const first = Math.max(range[0], Math.ceil((before - tap) / stride));
  const last = Math.min(range[1], Math.floor((input - 1 + before - tap) / stride) + 1);
  return { first, count: last - first, source: first * stride + tap - before };
}

/**
 * The positions of a band for which a filter tap is inside the image: how many, where they begin in the input and
 * in the output gradient, and the distances in bytes between columns, rows and images.
 */
function meetingOf(info: backend_util.Conv2DInfo, band: Band, tapRow: number, tapColumn: number) {
  const {
    inHeight,
    inWidth,
    inChannels,
    outHeight,
    outWidth,
    outChannels,
    strideHeight,
    strideWidth,
    padInfo,
  } = info;
  const rows = within([band.firstRow, band.lastRow], tapRow, strideHeight, padInfo.top, inHeight);
  const columns = within([0, outWidth], tapColumn, strideWidth, padInfo.left, inWidth);
  if (rows.count <= 0 || columns.count <= 0) return undefined;
  const xPixel = inChannels * BYTES;
  const dyPixel = outChannels * BYTES;
  return {
    width: columns.count,
    height: rows.count,
    images: band.lastImage - band.firstImage,
    xStart: ((band.firstImage * inHeight + rows.source) * inWidth + columns.source) * xPixel,
    dyStart: ((band.firstImage * outHeight + rows.first) * outWidth + columns.first) * dyPixel,
    xSteps: [strideWidth * xPixel, strideHeight * inWidth * xPixel, inHeight * inWidth * xPixel] as const,
    dySteps: [dyPixel, outWidth * dyPixel, outHeight * outWidth * dyPixel] as const,
  };
}
