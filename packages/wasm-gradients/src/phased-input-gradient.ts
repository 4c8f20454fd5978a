import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import { allocate, floats, heapFloats, heapIndex } from './heap.js';

/** One side (height or width) of a strided convolution: sizes of input, filter and output, and how they relate. */
interface Side {
  readonly input: number;
  readonly filter: number;
  readonly output: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before the first input element. */
  readonly before: number;
}

/**
 * The input positions `first, first + stride, ...` (`count` of them) all meet the same filter taps
 * `firstTap, firstTap + stride, ...` (`taps` of them), so their gradient is an ordinary convolution of the
 * output gradient with those taps in reverse, `before` and `after` elements of padding around it (negative:
 * that many elements of the output gradient are left out).
 */
export interface Phase {
  readonly first: number;
  readonly count: number;
  readonly firstTap: number;
  readonly taps: number;
  readonly before: number;
  readonly after: number;
}

/** The phases of one side: as many as the stride, or fewer for a smaller input. No zeros are inserted. */
function phasesOf({ input, filter, output, stride, dilation, before }: Side): Phase[] {
  const phases: Phase[] = [];
  for (let firstTap = 0; firstTap < stride; firstTap++) {
    const first = (((firstTap - before) % stride) + stride) % stride;
    if (first >= input) continue;
    const count = Math.ceil((input - first) / stride);
    const taps = Math.max(0, Math.ceil((filter - firstTap) / stride));
    const reach = Math.max(0, taps - 1) * dilation;
    const padBefore = reach - (first + before - firstTap) / stride;
    phases.push({
      first,
      count,
      firstTap,
      taps,
      before: padBefore,
      after: count + reach - output - padBefore,
    });
  }
  return phases;
}

/** The two sides of a convolution from tfjs's description of it. */
export function sidesOf(info: backend_util.Conv2DInfo): { rows: Side; columns: Side } {
  return {
    rows: {
      input: info.inHeight,
      filter: info.filterHeight,
      output: info.outHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    },
    columns: {
      input: info.inWidth,
      filter: info.filterWidth,
      output: info.outWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    },
  };
}

/** An input gradient that is split into phases, for both kinds of convolution. */
interface PhasedGradient {
  readonly batch: number;
  readonly rows: Side;
  readonly columns: Side;
  /** Channels of the output gradient, and of the input's. */
  readonly outChannels: number;
  readonly inChannels: number;
  /**
   * The input gradient at one phase's positions, `[batch, rows.count, columns.count, inChannels]`: a forward
   * convolution of `dy`, padded as the phases say.
   */
  convolve(dy: TensorInfo, rows: Phase, columns: Phase): TensorInfo;
}

/** Computes the input gradient of a convolution from its phases. */
export function phasedInputGradient(
  backend: BackendWasm,
  dy: TensorInfo,
  gradient: PhasedGradient,
): TensorInfo {
  const { batch, rows, columns, inChannels } = gradient;
  const shape = [batch, rows.input, columns.input, inChannels];
  const phases = phasesOf(rows).flatMap((row) => phasesOf(columns).map((column) => [row, column] as const));
  if (rows.stride === 1 && columns.stride === 1) {
    const [row, column] = phases[0]!;
    const whole = convolveCropped(backend, dy, gradient, row, column);
    if (whole) return whole;
  }
  const dx = allocate(backend, shape);
  floats(backend, dx).fill(0);
  for (const [row, column] of phases) {
    const part = convolveCropped(backend, dy, gradient, row, column);
    if (!part) continue;
    interleave(backend, part, dx, gradient, row, column);
    backend.disposeData(part.dataId);
  }
  return dx;
}

/** The convolution of a phase, cropped if its padding is negative; undefined if it is zero everywhere. */
function convolveCropped(
  backend: BackendWasm,
  dy: TensorInfo,
  gradient: PhasedGradient,
  row: Phase,
  column: Phase,
): TensorInfo | undefined {
  if (row.taps === 0 || column.taps === 0) return undefined;
  const { rows, columns, batch, outChannels } = gradient;
  const top = Math.max(0, -row.before);
  const bottom = rows.output - Math.max(0, -row.after);
  const left = Math.max(0, -column.before);
  const right = columns.output - Math.max(0, -column.after);
  if (bottom <= top || right <= left) return undefined;
  const height = bottom - top;
  const width = right - left;
  if (height === rows.output && width === columns.output) return gradient.convolve(dy, row, column);

  const cropped = allocate(backend, [batch, height, width, outChannels]);
  const heap = heapFloats(backend, dy);
  const from = heapIndex(backend, dy);
  let to = heapIndex(backend, cropped);
  for (let image = 0; image < batch; image++) {
    for (let y = top; y < bottom; y++) {
      const start = from + ((image * rows.output + y) * columns.output + left) * outChannels;
      heap.copyWithin(to, start, start + width * outChannels);
      to += width * outChannels;
    }
  }
  const notNegative = (phase: Phase): Phase => ({
    ...phase,
    before: Math.max(0, phase.before),
    after: Math.max(0, phase.after),
  });
  const part = gradient.convolve(cropped, notNegative(row), notNegative(column));
  backend.disposeData(cropped.dataId);
  return part;
}

/** Copies the pixels of a phase to their positions in `dx`. */
function interleave(
  backend: BackendWasm,
  part: TensorInfo,
  dx: TensorInfo,
  { batch, rows, columns, inChannels }: PhasedGradient,
  row: Phase,
  column: Phase,
): void {
  const from = floats(backend, part);
  const to = floats(backend, dx);
  const step = columns.stride * inChannels;
  let i = 0;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < row.count; y++) {
      const line = (image * rows.input + row.first + y * rows.stride) * columns.input + column.first;
      let pixel = line * inChannels;
      for (let x = 0; x < column.count; x++) {
        for (let t = pixel; t < pixel + inChannels; t++) to[t] = from[i++]!;
        pixel += step;
      }
    }
  }
}
