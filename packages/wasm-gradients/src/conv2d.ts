import {
  backend_util,
  type Conv2DAttrs,
  type FusedConv2DAttrs,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate } from './heap.js';
import type { Kernel } from './kernel.js';
import { leftFactorOf } from './left-factor.js';
import { LIMITS_OF_ACTIVATIONS, type Outcome, packedProduct } from './packed-product.js';
import { withPackedRight } from './packing.js';
import { panelFunctionsOf, type PanelFunctions } from './panels.js';
import { geometryOf, type PixelGeometry } from './pixel-addresses.js';
import { withRowsOfTaps } from './rows-of-taps.js';
import { convolutionOfTiles } from './winograd/convolution.js';
import { isForTiles } from './winograd/tiles.js';

type Shape4D = [number, number, number, number];

/**
 * Outputs of a pixel, and products and terms of a sum of it, below which the stock kernel is as fast. It does not pack the
 * pixels, and packing pays only where a pixel is used often.
 */
const FEW_OUTPUTS = 24;
const FEW_PRODUCTS = 3000;
const SHORT_SUM = 48;

/** Input channels from which single taps are copied as fast as rows of taps. */
const MANY_CHANNELS = 16;

/**
 * conv2d, alone or with bias and activation, as a product of the pixels that the filter meets at each position, packed straight from
 * the image, with the filter. The bits are those of the stock kernel, where that is right; it is used where this one is not faster,
 * with few channels, for other activations, and where there are no functions of our own.
 */
export function conv2d(stockConv2d: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x, filter, bias, preluActivationWeights } = inputs;
    const { strides, pad, dilations, dataFormat, dimRoundingMode, activation } =
      attrs as Partial<FusedConv2DAttrs> & Conv2DAttrs;
    const functions = panelFunctionsOf(backend);
    const limits = LIMITS_OF_ACTIVATIONS[activation ?? 'linear'];
    const isFloat = [x, filter, bias].every((input) => !input || input.dtype === 'float32');
    if (!functions || dataFormat !== 'NHWC' || !isFloat || !limits || preluActivationWeights) {
      return stockConv2d(call);
    }
    const info = backend_util.computeConv2DInfo(
      x!.shape as Shape4D,
      filter!.shape as Shape4D,
      strides,
      dilations,
      pad,
      dimRoundingMode,
    );
    const length = info.filterHeight * info.filterWidth * info.inChannels;
    const isOtherBias = bias && util.sizeFromShape(bias.shape) !== info.outChannels;
    if (isOtherBias) return stockConv2d(call);
    const given = { x: x!, filter: filter! };
    const outcome = { ...(bias && { bias }), limits };
    const inTiles = isForTiles(info) && convolutionOfTiles(functions, backend, given, info, outcome);
    if (inTiles) return inTiles;
    const isSmall =
      info.outChannels < FEW_OUTPUTS || length < SHORT_SUM || length * info.outChannels < FEW_PRODUCTS;
    if (isSmall && !isStockWrong(info)) return stockConv2d(call);
    return convolution(functions, backend, given, info, outcome);
  };
}

/**
 * Whether the stock kernel gives wrong numbers. With the padding 'same' and a filter that is smaller than its stride on a side,
 * it reads other pixels where it has to pad the other side. With a number as padding, tfjs computes the size of the result as
 * if filter and stride were the same on both sides; it may also round up. The stock kernel does neither, and writes a result
 * of another size.
 */
export function isStockWrong(info: backend_util.Conv2DInfo): boolean {
  const { padInfo, strideHeight, strideWidth } = info;
  if (padInfo.type === 'SAME') return info.filterHeight < strideHeight || info.filterWidth < strideWidth;
  const height = info.inHeight + padInfo.top + padInfo.bottom - info.effectiveFilterHeight;
  const width = info.inWidth + padInfo.left + padInfo.right - info.effectiveFilterWidth;
  return (
    info.outHeight !== Math.floor(height / strideHeight) + 1 ||
    info.outWidth !== Math.floor(width / strideWidth) + 1
  );
}

function convolution(
  functions: PanelFunctions,
  backend: BackendWasm,
  { x, filter }: Readonly<Record<'x' | 'filter', TensorInfo>>,
  info: backend_util.Conv2DInfo,
  outcome: Outcome,
): TensorInfo {
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const length = filterHeight * filterWidth * inChannels;
  const matrix = { info: filter, start: 0, rows: length, columns: outChannels, transposed: false };
  const out = allocate(backend, info.outShape);
  withPackedRight(functions, backend, matrix, [0, length], (right) => {
    const compute = (image: TensorInfo, geometry: PixelGeometry): void => {
      const start = backend.getMemoryOffset(image.dataId);
      const left = leftFactorOf(functions, { kind: 'pixels', start, geometry });
      packedProduct(functions, backend, left, right, out, outcome);
    };
    if (filterWidth > 1 && info.dilationWidth === 1 && inChannels < MANY_CHANNELS) {
      withRowsOfTaps(backend, x, info, compute);
    } else {
      compute(x, geometryOf(info));
    }
  });
  return out;
}
