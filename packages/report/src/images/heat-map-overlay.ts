import type { PixelBuffer } from '@dskd/base';
import { HEAT_STOPS, type HeatScale } from './heat-scale.js';

/** A score for each pixel of an image; `ScoreMap` of @dskd/detector is one. */
export interface HeatMap {
  /** Row-major, `width * height`. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
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
 * The image with its heat map laid over it. The scale is absolute: a normal image stays as it is, whatever
 * its hottest pixel.
 * @param map over the image's own pixels, as large as it: `mapInImage` of @dskd/detector.
 * @returns RGB.
 */
export function heatMapOverlay(image: PixelBuffer, map: HeatMap, { low, threshold }: HeatScale): PixelBuffer {
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
