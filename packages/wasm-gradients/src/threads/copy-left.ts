import { FLOAT } from '../heap.js';
import type { LeftSource } from '../left-factor.js';
import type { PixelGeometry } from '../pixel-addresses.js';

/** A part of a left factor, as it will lie in other memory. */
export interface LeftPart<Source extends LeftSource = LeftSource> {
  /** Elements that it takes there. */
  readonly elements: number;
  /** Its rows there. */
  readonly rows: readonly [first: number, last: number];
  /** Copies it from `heap` to `target`, the address `to` in bytes. @returns where its elements then are. */
  copy(heap: Float32Array, target: Float32Array, to: number): Source;
}

/** Elements of the input that a row of the left factor takes, on average. */
export function elementsOfRow(source: LeftSource): number {
  if (source.kind !== 'pixels') return source.length;
  const { inHeight, inWidth, inChannels, outHeight, outWidth } = source.geometry;
  return (inHeight * inWidth * inChannels) / (outHeight * outWidth);
}

/** Rows `first..last` of a left factor: both multiples of 4, or the last one is the end. */
export function partOf(source: LeftSource, [first, last]: readonly [number, number]): LeftPart {
  const { start } = source;
  if (source.kind === 'pixels') return pixelsPart(start, source.geometry, [first, last]);
  const { kind, stride, length } = source;
  const rows = last - first;
  const isAcross = kind === 'across';
  const [lines, line] = isAcross ? [length, rows] : [rows, length];
  return {
    elements: lines * line,
    rows: [0, rows],
    copy(heap, target, to) {
      const from = (start + (isAcross ? first * FLOAT : first * stride)) / FLOAT;
      copyLines(heap, { from, step: stride / FLOAT }, [lines, line], target, to / FLOAT);
      return { kind, start: to, stride: line * FLOAT, rows, length };
    },
  };
}

function copyLines(
  heap: Float32Array,
  { from, step }: { readonly from: number; readonly step: number },
  [lines, line]: readonly [number, number],
  target: Float32Array,
  to: number,
): void {
  if (step === line) {
    target.set(heap.subarray(from, from + lines * line), to);
    return;
  }
  for (let i = 0; i < lines; i++) {
    target.set(heap.subarray(from + i * step, from + i * step + line), to + i * line);
  }
}

/** The lines of the images that the filter meets at output positions `first..last`. */
export function pixelsPart(
  start: number,
  geometry: PixelGeometry,
  [first, last]: readonly [number, number],
): LeftPart<Extract<LeftSource, { kind: 'pixels' }>> {
  const { inHeight, inWidth, inChannels, outHeight, outWidth } = geometry;
  const { filterHeight, strideHeight, dilationHeight, padTop } = geometry;
  const positions = outHeight * outWidth;
  const image = Math.floor(first / positions);
  const images = Math.floor((last - 1) / positions) + 1 - image;
  const topOf = (position: number): number =>
    (Math.floor(position / outWidth) % outHeight) * strideHeight - padTop;
  const inside = (row: number): number => Math.min(Math.max(row, 0), inHeight);
  const line = inWidth * inChannels;
  const from = inside(topOf(first));
  const end = (images - 1) * inHeight + inside(topOf(last - 1) + (filterHeight - 1) * dilationHeight + 1);
  const elements = Math.max(0, end - from) * line;
  return {
    elements,
    rows: [first - image * positions, last - image * positions],
    copy(heap, target, to) {
      const at = start / FLOAT + image * inHeight * line + from * line;
      target.set(heap.subarray(at, at + elements), to / FLOAT);
      return {
        kind: 'pixels',
        start: to - from * line * FLOAT,
        geometry: { ...geometry, batchSize: images },
      };
    },
  };
}
