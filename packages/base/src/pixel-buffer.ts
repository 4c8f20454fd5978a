import { DskdError } from './errors.js';

/** Pixels of an image: 8 bits per channel, rows from top to bottom, channels interleaved, no padding. */
export interface PixelBuffer {
  /** Length `width * height * channels`. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 gray, 3 RGB, 4 RGBA. */
  readonly channels: number;
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
