import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import { resizeWithKernels } from './resize-kernels.js';
import { resizeInLoops } from './resize-loops.js';
import { makeTaps } from './resize-taps.js';

/**
 * Resizes an image as Pillow's `Image.resize((width, height), BILINEAR)`, byte for byte: a triangle filter, widened
 * by the reduction factor, in two passes (rows, then columns) that each round to 8 bits. torchvision's `Resize`
 * does the same to a PIL image. An ordinary bilinear resize has aliasing and gives other scores.
 *
 * The colors of RGBA are multiplied by alpha before and divided by it afterward, as in Pillow.
 *
 * @param source 1 (gray), 3 (RGB) or 4 (RGBA) channels.
 * @param size width and height in pixels, positive integers.
 * @returns a new buffer with the channels of `source`.
 * @throws {DskdError} `invalid-argument` for other channel counts or sizes.
 */
export function resizeBilinearAntialiased(
  source: PixelBuffer,
  { width, height }: { readonly width: number; readonly height: number },
): PixelBuffer {
  assertPixelBuffer(source);
  const { channels } = source;
  if (![1, 3, 4].includes(channels)) {
    throw new DskdError('invalid-argument', `Got ${channels} channels; wanted 1, 3 or 4.`, {
      details: { channels },
    });
  }
  if (!isSide(width) || !isSide(height)) {
    throw new DskdError(
      'invalid-argument',
      `Got a size of ${width} x ${height}; wanted positive integers for width and height.`,
      { details: { width, height } },
    );
  }
  if (source.width === width && source.height === height) {
    return { data: new Uint8Array(source.data), width, height, channels };
  }
  // Only what is changed in place is copied.
  const pixels = channels === 4 ? new Uint8Array(source.data) : source.data;
  if (channels === 4) multiplyByAlpha(pixels);
  const across = source.width === width ? null : makeTaps(source.width, width);
  const down = source.height === height ? null : makeTaps(source.height, height);
  const data =
    resizeWithKernels({ ...source, data: pixels }, channels, across, down) ??
    resizeInLoops({ ...source, data: pixels }, channels, across, down);
  if (channels === 4) divideByAlpha(data);
  return { data, width, height, channels };
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

function multiplyByAlpha(pixels: Uint8Array | Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3]!;
    for (let i = at; i < at + 3; i++) {
      const product = pixels[i]! * alpha + 128;
      pixels[i] = ((product >> 8) + product) >> 8;
    }
  }
}

function divideByAlpha(pixels: Uint8Array | Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let i = at; i < at + 3; i++) pixels[i] = Math.min(Math.trunc((255 * pixels[i]!) / alpha), 255);
  }
}
