import { backend_util, type AvgPoolGradAttrs, type MaxPoolGradAttrs } from '@tensorflow/tfjs-core';
import { allocate, floats } from './heap.js';
import type { Kernel } from './kernel.js';

type Shape4D = [number, number, number, number];

/** Calls `visit` for every window: where its output pixel begins, and the input rows and columns it covers. */
function forEachWindow(
  info: backend_util.Conv2DInfo,
  visit: (
    output: number,
    image: number,
    rows: readonly [number, number],
    columns: readonly [number, number],
  ) => void,
): void {
  const { batchSize, outHeight, outWidth, inHeight, inWidth, outChannels, padInfo } = info;
  let output = 0;
  for (let image = 0; image < batchSize; image++) {
    for (let y = 0; y < outHeight; y++) {
      const top = y * info.strideHeight - padInfo.top;
      const rows = [Math.max(0, top), Math.min(inHeight, top + info.filterHeight)] as const;
      for (let x = 0; x < outWidth; x++) {
        const left = x * info.strideWidth - padInfo.left;
        const columns = [Math.max(0, left), Math.min(inWidth, left + info.filterWidth)] as const;
        visit(output, image, rows, columns);
        output += outChannels;
      }
    }
  }
}

/** maxPool's gradient: each output's goes to the first input of its window that equals it. */
export const maxPoolGradient: Kernel = ({ inputs, attrs, backend }) => {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as MaxPoolGradAttrs;
  const input = inputs.input!;
  const info = backend_util.computePool2DInfo(
    input.shape as Shape4D,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const { inHeight, inWidth, inChannels } = info;
  const dx = allocate(backend, input.shape);
  const x = floats(backend, input);
  const y = floats(backend, inputs.output!);
  const dy = floats(backend, inputs.dy!);
  const gradient = floats(backend, dx).fill(0);
  const places = new Int32Array(inChannels);
  forEachWindow(info, (output, image, rows, columns) => {
    places.fill(-1);
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const pixel = ((image * inHeight + row) * inWidth + column) * inChannels;
        for (let c = 0; c < inChannels; c++) {
          if (x[pixel + c] === y[output + c] && places[c]! < 0) places[c] = pixel + c;
        }
      }
    }
    for (let c = 0; c < inChannels; c++) {
      // No place for NaN, which equals nothing: as on the cpu backend, no gradient.
      const place = places[c]!;
      if (place >= 0) gradient[place]! += dy[output + c]!;
    }
  });
  return dx;
};

/** avgPool's gradient: an equal share for every filter tap, those in the padding included, as on cpu. */
export const avgPoolGradient: Kernel = ({ inputs, attrs, backend }) => {
  const { filterSize, strides, pad } = attrs as AvgPoolGradAttrs;
  const input = inputs.input!;
  const info = backend_util.computePool2DInfo(input.shape as Shape4D, filterSize, strides, 1, pad);
  const { inHeight, inWidth, inChannels } = info;
  const share = 1 / (info.filterHeight * info.filterWidth);
  const dx = allocate(backend, input.shape);
  const dy = floats(backend, inputs.dy!);
  const gradient = floats(backend, dx).fill(0);
  forEachWindow(info, (output, image, rows, columns) => {
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const pixel = ((image * inHeight + row) * inWidth + column) * inChannels;
        for (let c = 0; c < inChannels; c++) gradient[pixel + c]! += dy[output + c]! * share;
      }
    }
  });
  return dx;
};
