import { code, type Code } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  backend_util,
  type AvgPoolGradAttrs,
  type MaxPoolGradAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { functionsOnHeap } from './heap-functions.js';
import { allocate, FLOAT, floats, withScratch } from './heap.js';
import type { Kernel } from './kernel.js';
import { ADD, AND, AND_NOT, EQUAL, load, OR, store, UNIT, VECTOR } from './vector-instructions.js';

const { get, set, repeat } = code;

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

/** All addresses and distances are in bytes. */
interface MaxPoolFunctions {
  /**
   * One tap of the windows of a row of output pixels: the gradient goes to those of its inputs that equal the output, where no
   * input of an earlier tap did.
   * @param x of the first window's input, `step` from one to the next; `dx` as `x`.
   * @param y of the first output; `dy` and `taken`, which begins with zeros, as `y`.
   * @param vectors of a pixel's channels.
   */
  readonly giveToTap: (
    x: number,
    dx: number,
    y: number,
    dy: number,
    taken: number,
    columns: number,
    step: number,
    vectors: number,
  ) => void;
}

function giveToTap() {
  const [X, DX, Y, DY, TAKEN, COLUMNS, STEP, VECTORS] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [X_AT, DX_AT, COUNTER, EQUALS] = [8, 9, 10, 11];
  const vector: Code = [
    ...[...get(X_AT), ...load(0), ...get(Y), ...load(0), ...EQUAL, ...set(EQUALS)],
    ...[...get(DX_AT), ...get(DX_AT), ...load(0), ...get(DY), ...load(0)],
    ...[...get(EQUALS), ...get(TAKEN), ...load(0), ...AND_NOT, ...AND, ...ADD, ...store(0)],
    ...[...get(TAKEN), ...get(TAKEN), ...load(0), ...get(EQUALS), ...OR, ...store(0)],
    ...[X_AT, DX_AT, Y, DY, TAKEN].flatMap((local) => code.advance(local, code.constant(VECTOR))),
  ];
  const column = [
    ...[...get(X), ...set(X_AT), ...get(DX), ...set(DX_AT), ...get(VECTORS), ...set(COUNTER)],
    ...repeat(COUNTER, vector),
    ...[X, DX].flatMap((local) => code.advance(local, get(STEP))),
  ];
  return { parameters: 8, integers: 3, vectors: 1, body: repeat(COLUMNS, column) };
}

const ASSEMBLIES = { giveToTap };

/** {@link maxPoolGradient} row by row, for whole vectors of channels. */
function addRows(
  functions: MaxPoolFunctions,
  backend: BackendWasm,
  info: backend_util.Conv2DInfo,
  { x, y, dy, dx }: Readonly<Record<'x' | 'y' | 'dy' | 'dx', TensorInfo>>,
): void {
  const { batchSize, outHeight, outWidth, inHeight, inWidth, inChannels, padInfo, strideWidth } = info;
  const pixel = inChannels * FLOAT;
  withScratch(backend, [outWidth * inChannels], (scratch) => {
    const taken = floats(backend, scratch);
    const at = (tensor: TensorInfo): number => backend.getMemoryOffset(tensor.dataId);
    for (let row = 0; row < batchSize * outHeight; row++) {
      taken.fill(0);
      const top = (row % outHeight) * info.strideHeight - padInfo.top;
      const image = Math.floor(row / outHeight);
      for (let tapRow = 0; tapRow < info.filterHeight; tapRow++) {
        if (top + tapRow < 0 || top + tapRow >= inHeight) continue;
        const line = (image * inHeight + top + tapRow) * inWidth;
        for (let tapColumn = 0; tapColumn < info.filterWidth; tapColumn++) {
          const shift = tapColumn - padInfo.left;
          const first = Math.max(0, Math.ceil(-shift / strideWidth));
          const last = Math.min(outWidth, Math.floor((inWidth - 1 - shift) / strideWidth) + 1);
          if (last <= first) continue;
          const from = (line + first * strideWidth + shift) * pixel;
          const to = (row * outWidth + first) * pixel;
          functions.giveToTap(
            ...([at(x) + from, at(dx) + from, at(y) + to, at(dy) + to, at(scratch) + first * pixel] as const),
            ...([last - first, strideWidth * pixel, inChannels / UNIT] as const),
          );
        }
      }
    }
  });
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
  const functions = functionsOnHeap<MaxPoolFunctions>(backend, ASSEMBLIES);
  if (functions && inChannels > 0 && inChannels % UNIT === 0) {
    floats(backend, dx).fill(0);
    addRows(functions, backend, info, { x: input, y: inputs.output!, dy: inputs.dy!, dx });
    return dx;
  }
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
