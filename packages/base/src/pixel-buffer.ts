import { DskdError } from './errors.js';

/** Pixels of an image: 8 bits per channel, rows from top to bottom, channels interleaved, no padding. */
export interface PixelBuffer {
  /** Length `width * height * channels`. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 gray, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** For an image that had 16 bits: the stored values that became 0 and 255, where they were chosen. */
  readonly intensityRange?: readonly [low: number, high: number];
}

/**
 * Checks that the length of `data` is `width * height * channels`.
 * @throws {DskdError} `invalid-argument`
 */
export function assertPixelBuffer(pixels: PixelBuffer): void {
  const { data, width, height, channels } = pixels;
  const sidesAreValid = [width, height, channels].every((side) => Number.isInteger(side) && side > 0);
  if (!sidesAreValid || data.length !== width * height * channels) {
    throw new DskdError(
      'invalid-argument',
      `Got a pixel buffer of ${data.length} bytes, ${width} x ${height} x ${channels}; ` +
        'wanted positive integer sides and width x height x channels bytes.',
      { details: { length: data.length, width, height, channels } },
    );
  }
}
