import { DskdError } from '@dskd/base';
import type { PixelSize, Rectangle } from '@dskd/data';
import type { Prediction, ScoreMap } from './prediction.js';

/** A rectangle of a map or mask. */
export function cut<T extends Float32Array | Uint8Array>(
  { data, width }: PixelSize & { readonly data: T },
  { left, top, ...size }: Rectangle,
): PixelSize & { readonly data: T } {
  const part = data.slice(0, size.width * size.height) as T;
  for (let y = 0; y < size.height; y++) {
    const from = (top + y) * width + left;
    part.set(data.subarray(from, from + size.width), y * size.width);
  }
  return { data: part, ...size };
}

/** Which two values of a line an output pixel lies between, and how far from the first. */
interface Neighbors {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly fraction: Float64Array;
}

/** Pixels are areas: centers go to centers, what lies outside the outermost centers repeats them. */
function neighbors(from: number, to: number): Neighbors {
  const lower = new Int32Array(to);
  const upper = new Int32Array(to);
  const fraction = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    lower[i] = Math.floor(position);
    upper[i] = Math.min(lower[i]! + 1, from - 1);
    fraction[i] = position - lower[i]!;
  }
  return { lower, upper, fraction };
}

/**
 * The heat map over the image's own pixels: the part of the map that shows the image, brought to `size`
 * bilinearly; a letterbox's border is left behind. No value exceeds those of the map.
 * @param prediction a prediction, or the map of one of its branches with the prediction's `content`.
 * @param size of the image that was scored.
 * @throws {DskdError} `invalid-argument` unless both sides are positive integers.
 */
export function mapInImage(
  { map, content }: Pick<Prediction, 'map' | 'content'>,
  { width, height }: PixelSize,
): ScoreMap {
  if (![width, height].every((side) => Number.isInteger(side) && side > 0)) {
    throw new DskdError('invalid-argument', `Got a size of ${width} x ${height}; wanted positive integers.`);
  }
  const across = neighbors(content.width, width);
  const down = neighbors(content.height, height);
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const upperRow = (content.top + down.lower[y]!) * map.width + content.left;
    const lowerRow = (content.top + down.upper[y]!) * map.width + content.left;
    const downFraction = down.fraction[y]!;
    for (let x = 0; x < width; x++) {
      const [left, right, fraction] = [across.lower[x]!, across.upper[x]!, across.fraction[x]!];
      const upper = between(map.data[upperRow + left]!, map.data[upperRow + right]!, fraction);
      const lower = between(map.data[lowerRow + left]!, map.data[lowerRow + right]!, fraction);
      data[y * width + x] = between(upper, lower, downFraction);
    }
  }
  return { data, width, height };
}

function between(first: number, second: number, fraction: number): number {
  return first + (second - first) * fraction;
}

/** For each pixel of a line of the image, the pixel of the map's content in which its center lies. */
function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, i) => Math.floor(((i + 0.5) * from) / to));
}

/**
 * Which of an image's own pixels did not count: those whose center lies in a pixel of the map that did not. A
 * letterbox's border is outside the image.
 * @returns `width * height` values, 1 where a pixel did not count; null where all did.
 */
export function ignoredInImage(
  { ignored, content, map }: Pick<Prediction, 'ignored' | 'content' | 'map'>,
  { width, height }: PixelSize,
): Uint8Array | null {
  if (!ignored) return null;
  const across = nearest(content.width, width);
  const down = nearest(content.height, height);
  const inImage = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = (content.top + down[y]!) * map.width + content.left;
    for (let x = 0; x < width; x++) inImage[y * width + x] = ignored[row + across[x]!]!;
  }
  return inImage.includes(1) ? inImage : null;
}
