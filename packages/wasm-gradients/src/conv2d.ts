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
import { PANEL_COLUMNS, panelFunctionsOf, type PanelFunctions } from './panels.js';
import { geometryOf } from './pixel-addresses.js';
import { convolutionOfTiles } from './winograd/convolution.js';
import { isForTiles } from './winograd/tiles.js';

type Shape4D = [number, number, number, number];

/** Terms of a sum below which the stock kernel is as fast: images of 1 or 3 channels. */
const SHORT_SUM = 48;

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
    const isSmall = info.outChannels < PANEL_COLUMNS || length < SHORT_SUM;
    const isOtherBias = bias && util.sizeFromShape(bias.shape) !== info.outChannels;
    if (isOtherBias || (isSmall && !leavesPixelsOut(info))) return stockConv2d(call);
    const given = { x: x!, filter: filter! };
    const outcome = { ...(bias && { bias }), limits };
    const inTiles = isForTiles(info) && convolutionOfTiles(functions, backend, given, info, outcome);
    return inTiles || convolution(functions, backend, given, info, outcome);
  };
}

/**
 * Whether the filter is smaller than its stride on a side, with the padding 'same': the stock kernel then reads other pixels where it
 * has to pad the other side.
 */
export function leavesPixelsOut({
  padInfo,
  filterHeight,
  filterWidth,
  strideHeight,
  strideWidth,
}: backend_util.Conv2DInfo): boolean {
  return padInfo.type === 'SAME' && (filterHeight < strideHeight || filterWidth < strideWidth);
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
    const start = backend.getMemoryOffset(x.dataId);
    const left = leftFactorOf(functions, { kind: 'pixels', start, geometry: geometryOf(info) });
    packedProduct(functions, backend, left, right, out, outcome);
  });
  return out;
}
