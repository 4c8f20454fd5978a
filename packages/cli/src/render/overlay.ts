import type { PixelBuffer } from '@dskd/base';
import type { ScoreMap } from '@dskd/detector';

/** Where the colour scale is anchored, in units of the map: the same for every picture of a detector. */
export interface HeatScale {
  /** Fully transparent at and below it: the middle of normal pictures' scores. */
  readonly low: number;
  /** Half way up the scale: the detector's threshold. */
  readonly threshold: number;
}

/** Colour and opacity at positions 0, 0.5 (the threshold) and 1 of the scale. */
const STOPS = [
  [255, 235, 59, 0],
  [255, 152, 0, 0.45],
  [213, 0, 0, 0.75],
] as const;

/** `[red, green, blue, opacity]` at `position`, clamped to 0..1. */
function heatColour(position: number): [number, number, number, number] {
  const scaled = Math.min(Math.max(position, 0), 1) * 2;
  const from = STOPS[Math.min(Math.floor(scaled), 1)]!;
  const to = STOPS[Math.min(Math.floor(scaled), 1) + 1]!;
  const share = scaled - Math.min(Math.floor(scaled), 1);
  const mix = (index: 0 | 1 | 2 | 3): number => from[index] + (to[index] - from[index]) * share;
  return [mix(0), mix(1), mix(2), mix(3)];
}

/**
 * The picture with its heat map laid over it. The scale is absolute: a normal picture stays as it is, whatever
 * its hottest pixel.
 * @param map over the picture's own pixels: `mapInPicture` of @dskd/detector.
 */
export function heatMapOverlay(
  picture: PixelBuffer,
  map: ScoreMap,
  { low, threshold }: HeatScale,
): PixelBuffer {
  const { width, height, channels } = picture;
  const data = new Uint8Array(width * height * 3);
  const span = threshold - low;
  map.data.forEach((value, pixel) => {
    const [red, green, blue, opacity] = heatColour((value - low) / (2 * span));
    const colour = [red, green, blue];
    for (let channel = 0; channel < 3; channel++) {
      const below = picture.data[pixel * channels + Math.min(channel, channels - 1)]!;
      data[pixel * 3 + channel] = Math.round(below + (colour[channel]! - below) * opacity);
    }
  });
  return { data, width, height, channels: 3 };
}
