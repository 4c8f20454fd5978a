import {
  backend_util,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, withScratch } from './heap.js';
import { type Phase, phasedInputGradient, sidesOf } from './phased-input-gradient.js';
import type { Kernel } from './kernel.js';

type Shape4D = [number, number, number, number];

/** Filter gradient of depthwiseConv2d, summed in float64. */
export const depthwiseFilterGradient: Kernel = ({ inputs, attrs, backend }) => {
  const { strides, dilations, pad, dimRoundingMode, filterShape } =
    attrs as DepthwiseConv2dNativeBackpropFilterAttrs;
  const info = backend_util.computeConv2DInfo(
    inputs.x!.shape as Shape4D,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const {
    batchSize,
    inHeight,
    inWidth,
    outHeight,
    outWidth,
    filterHeight,
    filterWidth,
    inChannels,
    outChannels,
  } = info;
  const multiplier = outChannels / inChannels;
  const out = allocate(backend, filterShape);
  const x = floats(backend, inputs.x!);
  const dy = floats(backend, inputs.dy!);
  const gradient = floats(backend, out);
  const sums = new Float64Array(outChannels);
  for (let r = 0; r < filterHeight; r++) {
    for (let c = 0; c < filterWidth; c++) {
      sums.fill(0);
      for (let image = 0; image < batchSize; image++) {
        for (let row = 0; row < outHeight; row++) {
          const sourceRow = row * info.strideHeight + r * info.dilationHeight - info.padInfo.top;
          if (sourceRow < 0 || sourceRow >= inHeight) continue;
          for (let column = 0; column < outWidth; column++) {
            const sourceColumn = column * info.strideWidth + c * info.dilationWidth - info.padInfo.left;
            if (sourceColumn < 0 || sourceColumn >= inWidth) continue;
            const pixel = ((image * inHeight + sourceRow) * inWidth + sourceColumn) * inChannels;
            const output = ((image * outHeight + row) * outWidth + column) * outChannels;
            if (multiplier === 1) {
              for (let i = 0; i < outChannels; i++) sums[i]! += x[pixel + i]! * dy[output + i]!;
            } else {
              for (let i = 0; i < outChannels; i++) {
                sums[i]! += x[pixel + Math.floor(i / multiplier)]! * dy[output + i]!;
              }
            }
          }
        }
      }
      gradient.set(sums, (r * filterWidth + c) * outChannels);
    }
  }
  return out;
};

/** Input gradient of depthwiseConv2d. */
export function depthwiseInputGradient(stockDepthwise: Kernel): Kernel {
  return ({ inputs, attrs, backend }) => {
    const { strides, dilations, pad, dimRoundingMode, inputShape } =
      attrs as DepthwiseConv2dNativeBackpropInputAttrs;
    const filter = inputs.filter!;
    const info = backend_util.computeConv2DInfo(
      inputShape,
      filter.shape as Shape4D,
      strides,
      dilations,
      pad,
      dimRoundingMode,
      true,
    );
    const { batchSize, inChannels, outChannels } = info;
    return phasedInputGradient(backend, inputs.dy!, {
      ...sidesOf(info),
      batch: batchSize,
      inChannels,
      outChannels,
      convolve: (dy, rows, columns) =>
        withReversedFilter(backend, filter, info, rows, columns, (reversed) => {
          const pad = [
            [0, 0],
            [rows.before, rows.after],
            [columns.before, columns.after],
            [0, 0],
          ];
          const each = stockDepthwise({
            inputs: { x: dy, filter: reversed },
            attrs: { strides: [1, 1], dilations: [info.dilationHeight, info.dilationWidth], pad },
            backend,
          });
          return sumOverMultiplier(backend, each, inChannels);
        }),
    });
  };
}

/** Runs `work` on the taps of two phases in reverse order, `[taps, taps, outChannels, 1]`. */
function withReversedFilter<T>(
  backend: BackendWasm,
  filter: TensorInfo,
  { filterWidth, strideHeight, strideWidth, outChannels }: backend_util.Conv2DInfo,
  rows: Phase,
  columns: Phase,
  work: (reversed: TensorInfo) => T,
): T {
  return withScratch(backend, [rows.taps, columns.taps, outChannels, 1], (reversed) => {
    const values = floats(backend, filter);
    const target = floats(backend, reversed);
    let to = 0;
    for (let r = rows.taps - 1; r >= 0; r--) {
      for (let c = columns.taps - 1; c >= 0; c--) {
        const tap = (rows.firstTap + r * strideHeight) * filterWidth + columns.firstTap + c * strideWidth;
        target.set(values.subarray(tap * outChannels, (tap + 1) * outChannels), to);
        to += outChannels;
      }
    }
    return work(reversed);
  });
}

/** Adds up the output channels that come from the same input channel; frees `each` where it makes a copy. */
function sumOverMultiplier(backend: BackendWasm, each: TensorInfo, inChannels: number): TensorInfo {
  const [batch, height, width, outChannels] = each.shape as Shape4D;
  if (outChannels === inChannels) return each;
  const multiplier = outChannels / inChannels;
  const out = allocate(backend, [batch, height, width, inChannels]);
  const from = floats(backend, each);
  const to = floats(backend, out);
  for (let t = 0; t < to.length; t++) {
    let sum = 0;
    for (let m = 0; m < multiplier; m++) sum += from[t * multiplier + m]!;
    to[t] = sum;
  }
  backend.disposeData(each.dataId);
  return out;
}
