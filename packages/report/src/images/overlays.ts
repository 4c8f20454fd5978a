import { DskdError, type PixelBuffer } from '@dskd/base';
import type { ScoreMap } from '@dskd/metrics';

/** The color scale in units of the map. It is the same for every image of a detector. */
export interface HeatScale {
  /** Transparent at and below this score: the median score of normal images. */
  readonly low: number;
  /** The middle of the scale: the detector's threshold. */
  readonly threshold: number;
}

/** How a detector fuses the normalized maps of its branches: `FusionRule` of @dskd/scoring. */
export type BranchFusion = 'sum' | 'soft-maximum' | 'maximum';

/** Color and opacity at positions 0, 0.5 (the threshold) and 1 of the scale. */
export const HEAT_STOPS = [
  [255, 235, 59, 0],
  [255, 152, 0, 0.45],
  [213, 0, 0, 0.75],
] as const;

/**
 * The scale from the median score of normal images, or from 10 % below the threshold if that is lower, to the
 * threshold.
 * @param normalScores image scores of normal images, at least one: `description.calibration.scores`.
 * @throws {DskdError} `invalid-argument` without a score.
 */
export function heatScaleOf(normalScores: readonly number[], threshold: number): HeatScale {
  if (normalScores.length === 0) {
    throw new DskdError('invalid-argument', 'Got no scores of normal images; wanted at least one.');
  }
  const sorted = [...normalScores].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return { low: Math.min(median, threshold - Math.abs(threshold) * 0.1 - 1e-3), threshold };
}

/** `[red, green, blue, opacity]` at `position`, clamped to 0..1. */
function heatColor(position: number): [number, number, number, number] {
  const scaled = Math.min(Math.max(position, 0), 1) * 2;
  const from = HEAT_STOPS[Math.min(Math.floor(scaled), 1)]!;
  const to = HEAT_STOPS[Math.min(Math.floor(scaled), 1) + 1]!;
  const share = scaled - Math.min(Math.floor(scaled), 1);
  const mix = (index: 0 | 1 | 2 | 3): number => from[index] + (to[index] - from[index]) * share;
  return [mix(0), mix(1), mix(2), mix(3)];
}

/**
 * Draws the anomaly map over the image with an absolute color scale: pixels of at most `low` are not changed.
 * @param map of the size of the image; see `mapInImage` of @dskd/detector.
 * @returns a new RGB image.
 */
export function heatMapOverlay(
  image: PixelBuffer,
  map: ScoreMap,
  { low, threshold }: HeatScale,
): PixelBuffer {
  const { width, height, channels } = image;
  const data = new Uint8Array(width * height * 3);
  const span = threshold - low;
  map.data.forEach((value, pixel) => {
    const [red, green, blue, opacity] = heatColor((value - low) / (2 * span));
    const color = [red, green, blue];
    for (let channel = 0; channel < 3; channel++) {
      const below = image.data[pixel * channels + Math.min(channel, channels - 1)]!;
      data[pixel * 3 + channel] = Math.round(below + (color[channel]! - below) * opacity);
    }
  });
  return { data, width, height, channels: 3 };
}

/** Bright blue with a dark edge: visible on light and dark parts, and different from the heat scale. */
const LINE = [0, 229, 255] as const;
const EDGE = [0, 24, 48] as const;

/** The mask dilated by one pixel (8-neighborhood). */
function grown(mask: Uint8Array, width: number, height: number): Uint8Array {
  const result = Uint8Array.from(mask);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue;
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          result[row * width + column] = 1;
        }
      }
    }
  }
  return result;
}

/**
 * Draws a contour around the mask, outside it, so that a small defect stays visible. The contour is open where a region
 * touches the edge of the image.
 * @param mask `width * height` values, row by row, not 0 where the defect is.
 * @param thickness of the line in pixels, without its dark edge of one pixel. Default 1.
 * @returns a new RGB image.
 */
export function drawContour(image: PixelBuffer, mask: Uint8Array, thickness = 1): PixelBuffer {
  const { width, height, channels } = image;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      data[pixel * 3 + channel] = image.data[pixel * channels + Math.min(channel, channels - 1)]!;
    }
  }
  let reached = mask;
  for (let ring = 0; ring <= thickness; ring++) {
    const next = grown(reached, width, height);
    const color = ring < thickness ? LINE : EDGE;
    next.forEach((set, pixel) => {
      if (set !== 0 && reached[pixel] === 0) data.set(color, pixel * 3);
    });
    reached = next;
  }
  return { data, width, height, channels: 3 };
}
