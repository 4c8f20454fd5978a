import { backend_util, type Conv2DBackpropInputAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type Kernel, toChannelsLast } from './kernel.js';
import { addInto, copyInto, floats, transposeInto, withScratch } from './heap.js';
import { LONGEST_SUM } from './stored-matrix.js';
import { type Phase, phasedInputGradient, sidesOf } from './phased-input-gradient.js';

type Shape4D = [number, number, number, number];

/** Input gradient of conv2d, which is also the forward pass of conv2dTranspose. */
export function conv2dInputGradient(stockConv2d: Kernel, transpose: Kernel): Kernel {
  return ({ inputs, attrs, backend }) => {
    const { strides, pad, dataFormat, dimRoundingMode, inputShape } = attrs as Conv2DBackpropInputAttrs;
    const filter = inputs.filter!;
    const info = backend_util.computeConv2DInfo(
      inputShape,
      filter.shape as Shape4D,
      strides,
      1,
      pad,
      dimRoundingMode,
      false,
      backend_util.convertConv2DDataFormat(dataFormat),
    );
    return toChannelsLast(transpose, backend, dataFormat, [inputs.dy!], ([dy]) => {
      const dx = channelsLastGradient(stockConv2d, backend, dy!, filter, info);
      if (dataFormat !== 'NCHW') return dx;
      const dxNchw = transpose({ inputs: { x: dx }, attrs: { perm: [0, 3, 1, 2] }, backend });
      backend.disposeData(dx.dataId);
      return dxNchw;
    });
  };
}

function channelsLastGradient(
  stockConv2d: Kernel,
  backend: BackendWasm,
  dy: TensorInfo,
  filter: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo {
  const { inChannels, outChannels } = info;
  return phasedInputGradient(backend, dy, {
    batch: info.batchSize,
    ...sidesOf(info),
    inChannels,
    outChannels,
    convolve(padded, rows, columns) {
      const taps = rows.taps * columns.taps;
      const parts = Math.min(outChannels, Math.ceil((taps * outChannels) / LONGEST_SUM));
      let sum: TensorInfo | undefined;
      for (let part = 0; part < parts; part++) {
        const first = Math.floor((outChannels * part) / parts);
        const channels = Math.floor((outChannels * (part + 1)) / parts) - first;
        const term = withReversedFilter(backend, filter, info, rows, columns, first, channels, (reversed) =>
          withChannels(backend, padded, first, channels, (x) => {
            const pad = [
              [0, 0],
              [rows.before, rows.after],
              [columns.before, columns.after],
              [0, 0],
            ];
            const conv2dAttrs = { strides: [1, 1], dilations: [1, 1], pad, dataFormat: 'NHWC' };
            return stockConv2d({ inputs: { x, filter: reversed }, attrs: conv2dAttrs, backend });
          }),
        );
        if (sum) {
          addInto(floats(backend, sum), floats(backend, term));
          backend.disposeData(term.dataId);
        } else {
          sum = term;
        }
      }
      return sum!;
    },
  });
}

/**
 * Runs `work` on the taps of two phases in reverse order, `[taps, taps, channels, inChannels]`, for a range
 * of the filter's output channels.
 */
function withReversedFilter<T>(
  backend: BackendWasm,
  filter: TensorInfo,
  { filterWidth, strideHeight, strideWidth, inChannels, outChannels }: backend_util.Conv2DInfo,
  rows: Phase,
  columns: Phase,
  firstChannel: number,
  channels: number,
  work: (reversed: TensorInfo) => T,
): T {
  return withScratch(backend, [rows.taps, columns.taps, channels, inChannels], (reversed) => {
    const values = floats(backend, filter);
    const target = { values: floats(backend, reversed), offset: 0, rowStride: inChannels };
    for (let r = rows.taps - 1; r >= 0; r--) {
      for (let c = columns.taps - 1; c >= 0; c--) {
        const tap = (rows.firstTap + r * strideHeight) * filterWidth + columns.firstTap + c * strideWidth;
        const offset = tap * inChannels * outChannels + firstChannel;
        transposeInto({ values, offset, rowStride: outChannels }, inChannels, channels, target);
        target.offset += channels * inChannels;
      }
    }
    return work(reversed);
  });
}

/** Runs `work` on a range of the channels of `x`. */
function withChannels<T>(
  backend: BackendWasm,
  x: TensorInfo,
  first: number,
  channels: number,
  work: (x: TensorInfo) => T,
): T {
  const all = x.shape[3]!;
  if (channels === all) return work(x);
  const pixels = x.shape[0]! * x.shape[1]! * x.shape[2]!;
  return withScratch(backend, [...x.shape.slice(0, 3), channels], (part) => {
    copyInto({ values: floats(backend, x), offset: first, rowStride: all }, pixels, channels, {
      values: floats(backend, part),
      offset: 0,
      rowStride: channels,
    });
    return work(part);
  });
}
