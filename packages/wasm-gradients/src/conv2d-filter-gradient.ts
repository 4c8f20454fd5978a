import { backend_util, type Conv2DBackpropFilterAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { filterGradientInPanels } from './filter-gradient-in-panels.js';
import { type Kernel, toChannelsLast } from './kernel.js';
import { addInto, floats, heapFloats, heapIndex, transposeInto, withScratch } from './heap.js';
import { matrixProduct } from './matrix-product.js';
import { panelFunctionsOf } from './panels.js';
import { filterGradientOfTiles, isGradientForTiles } from './winograd/filter-gradient.js';

type Shape4D = [number, number, number, number];

/** Output rows `firstRow..lastRow` of images `firstImage..lastImage`, the positions of one partial sum. */
interface Band {
  readonly firstImage: number;
  readonly lastImage: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Splits all output positions into bands of about equal size, of at most `positions` if a row is not longer. */
function bandsOf({ batchSize, outHeight, outWidth }: backend_util.Conv2DInfo, positions: number): Band[] {
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

// Positions of one product: enough to make its fixed costs small, few enough for the caches and for 16 MB of the left
// factor.
const MOST_POSITIONS = 2048;
const FEWEST_POSITIONS = 512;
const LEFT_FACTOR_SIZE = 1 << 22;

/** Number of positions of one product. */
function positionsOf({ filterHeight, filterWidth, inChannels }: backend_util.Conv2DInfo): number {
  const leftRows = filterHeight * filterWidth * inChannels;
  return Math.min(MOST_POSITIONS, Math.max(FEWEST_POSITIONS, LEFT_FACTOR_SIZE / leftRows));
}

/**
 * The input rows that a band uses, ordered so that the rows of each filter row are contiguous: rows with the same
 * remainder modulo the stride are neighbors.
 */
function rowSlots({ filterHeight, strideHeight }: backend_util.Conv2DInfo, outputRows: number) {
  const sourceRows: number[] = [];
  const firstSlots: number[] = [];
  for (let remainder = 0; remainder < Math.min(strideHeight, filterHeight); remainder++) {
    const filterRows = Math.ceil((filterHeight - remainder) / strideHeight);
    for (let i = 0; i < filterRows; i++) firstSlots[remainder + i * strideHeight] = sourceRows.length + i;
    for (let i = 0; i < outputRows + filterRows - 1; i++) sourceRows.push(remainder + i * strideHeight);
  }
  return { sourceRows, firstSlots };
}

/**
 * Filter gradient of conv2d: for each band of positions one matrix product of the input, shifted by each filter
 * tap, with the gradient of the output. The parts are added in a fixed order.
 */
export function conv2dFilterGradient(stockMatMul: Kernel, transpose: Kernel): Kernel {
  return ({ inputs, attrs, backend }) => {
    const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as Conv2DBackpropFilterAttrs;
    const info = backend_util.computeConv2DInfo(
      inputs.x!.shape as Shape4D,
      filterShape,
      strides,
      1,
      pad,
      dimRoundingMode,
      false,
      backend_util.convertConv2DDataFormat(dataFormat),
    );
    return toChannelsLast(transpose, backend, dataFormat, [inputs.x!, inputs.dy!], ([x, dy]) => {
      const functions = panelFunctionsOf(backend);
      if (functions) {
        const inTiles = isGradientForTiles(info) && filterGradientOfTiles(functions, backend, x!, dy!, info);
        return inTiles || filterGradientInPanels(functions, backend, x!, dy!, info);
      }
      if (isPointwise(info)) return pointwiseGradient(stockMatMul, backend, x!, dy!, info);
      return sumOfBands(stockMatMul, backend, x!, dy!, info);
    });
  };
}

/** Whether each output pixel depends only on the input pixel at the same position. */
function isPointwise(info: backend_util.Conv2DInfo): boolean {
  return (
    info.filterHeight * info.filterWidth === 1 &&
    info.padInfo.top === 0 &&
    info.padInfo.left === 0 &&
    info.inHeight === info.outHeight &&
    info.inWidth === info.outWidth
  );
}

function pointwiseGradient(
  stockMatMul: Kernel,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  { batchSize, outHeight, outWidth, inChannels, outChannels, filterShape }: backend_util.Conv2DInfo,
): TensorInfo {
  const rows = batchSize * outHeight * outWidth;
  const gradient = matrixProduct(
    stockMatMul,
    backend,
    { info: x, start: 0, rows, columns: inChannels, transposed: true },
    { info: dy, start: 0, rows, columns: outChannels, transposed: false },
  );
  gradient.shape = filterShape;
  return gradient;
}

function sumOfBands(
  stockMatMul: Kernel,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  let sum: TensorInfo | undefined;
  for (const band of bandsOf(info, positionsOf(info))) {
    const part = bandGradient(stockMatMul, backend, x, dy, info, band);
    if (sum) {
      addInto(floats(backend, sum), floats(backend, part));
      backend.disposeData(part.dataId);
    } else {
      sum = part;
    }
  }
  if (!sum) {
    sum = backend.makeOutput(info.filterShape, 'float32');
    floats(backend, sum).fill(0);
  }
  sum.shape = info.filterShape;
  return sum;
}

function bandGradient(
  stockMatMul: Kernel,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
  band: Band,
): TensorInfo {
  const { outWidth, filterHeight, filterWidth, inChannels, outChannels } = info;
  const images = band.lastImage - band.firstImage;
  const rows = band.lastRow - band.firstRow;
  const positions = rows * images * outWidth;
  const { sourceRows, firstSlots } = rowSlots(info, rows);
  const lineLength = sourceRows.length * images * outWidth;
  const leftRows = filterHeight * filterWidth * inChannels;

  const multiply = (left: TensorInfo): TensorInfo =>
    withOutputGradient(backend, dy, info, band, (right, start) =>
      matrixProduct(
        stockMatMul,
        backend,
        { info: left, start: 0, rows: leftRows, columns: positions, transposed: false },
        { info: right, start, rows: positions, columns: outChannels, transposed: false },
      ),
    );

  return withScratch(backend, [filterWidth, inChannels, lineLength], (lines) => {
    fillLines(backend, x, lines, info, band, sourceRows);
    if (filterHeight === 1) return multiply(lines);
    return withScratch(backend, [leftRows, positions], (left) => {
      const heap = heapFloats(backend, left);
      const from = heapIndex(backend, lines);
      let to = heapIndex(backend, left);
      for (let r = 0; r < filterHeight; r++) {
        const shift = from + firstSlots[r]! * images * outWidth;
        for (let line = 0; line < filterWidth * inChannels; line++) {
          const start = shift + line * lineLength;
          heap.copyWithin(to, start, start + positions);
          to += positions;
        }
      }
      return multiply(left);
    });
  });
}

/**
 * Sets `lines[c, channel, slot, image, column]` to the input at the row of the slot and at the column that filter
 * column c uses, 0 in the padding.
 */
function fillLines(
  backend: BackendWasm,
  x: TensorInfo,
  lines: TensorInfo,
  info: backend_util.Conv2DInfo,
  band: Band,
  sourceRows: readonly number[],
): void {
  const { inHeight, inWidth, inChannels, outWidth, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const images = band.lastImage - band.firstImage;
  const lineLength = sourceRows.length * images * outWidth;
  const values = floats(backend, x);
  const target = floats(backend, lines);
  target.fill(0);
  const top = band.firstRow * strideHeight - padInfo.top;
  for (const [slot, sourceRow] of sourceRows.entries()) {
    const row = top + sourceRow;
    if (row < 0 || row >= inHeight) continue;
    for (let image = 0; image < images; image++) {
      const rowStart = ((band.firstImage + image) * inHeight + row) * inWidth;
      for (let c = 0; c < filterWidth; c++) {
        const shift = c - padInfo.left;
        const first = Math.max(0, Math.ceil(-shift / strideWidth));
        const last = Math.min(outWidth, Math.floor((inWidth - 1 - shift) / strideWidth) + 1);
        if (last <= first) continue;
        transposeInto(
          {
            values,
            offset: (rowStart + first * strideWidth + shift) * inChannels,
            rowStride: strideWidth * inChannels,
          },
          last - first,
          inChannels,
          {
            values: target,
            offset: c * inChannels * lineLength + (slot * images + image) * outWidth + first,
            rowStride: lineLength,
          },
        );
      }
    }
  }
}

/** Runs `work` on the output gradient of the band, ordered as row, image, column, channel. */
function withOutputGradient<T>(
  backend: BackendWasm,
  dy: TensorInfo,
  { outHeight, outWidth, outChannels }: backend_util.Conv2DInfo,
  { firstImage, lastImage, firstRow, lastRow }: Band,
  work: (right: TensorInfo, start: number) => T,
): T {
  const images = lastImage - firstImage;
  const rowSize = outWidth * outChannels;
  if (images === 1) return work(dy, (firstImage * outHeight + firstRow) * rowSize);
  return withScratch(backend, [lastRow - firstRow, images, rowSize], (ordered) => {
    const heap = heapFloats(backend, dy);
    const from = heapIndex(backend, dy);
    let to = heapIndex(backend, ordered);
    for (let row = firstRow; row < lastRow; row++) {
      for (let image = firstImage; image < lastImage; image++) {
        const start = from + (image * outHeight + row) * rowSize;
        heap.copyWithin(to, start, start + rowSize);
        to += rowSize;
      }
    }
    return work(ordered, 0);
  });
}
