import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, floats, heapFloats, heapIndex } from './heap.js';
import { phasesOf, type Phase, type Side } from './phases.js';

/** What the two kinds of convolution share when their input gradient is split into phases. */
export interface PhasedGradient {
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

/** The input gradient of a convolution, put together from its phases. */
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

/** The phase's convolution after cropping where its padding is negative; undefined where it is all zero. */
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

/** Writes a phase's pixels to their places in `dx`. */
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
