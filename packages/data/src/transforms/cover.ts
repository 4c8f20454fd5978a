import { DskdError } from '@dskd/base';
import { assertColor, type Color, type FittedImage, type PixelSize } from './placement.js';

/** Pixels of the network's input that are hidden under one color, so that nothing computed from them tells what they showed. */
export interface Cover {
  /** `height * width` values, row by row, not 0 where a pixel is covered. */
  readonly pixels: Uint8Array;
  readonly color: Color;
}

/** @throws {DskdError} `invalid-argument` (the color), `shape-mismatch` */
export function assertCover({ pixels, color }: Cover, { width, height }: PixelSize): void {
  assertColor(color);
  if (pixels.length === width * height) return;
  throw new DskdError(
    'shape-mismatch',
    `Got a cover of ${pixels.length} pixels; wanted ${height} x ${width}, as the network's input.`,
    { hint: 'Give one value for each pixel, row by row.', details: { got: pixels.length, height, width } },
  );
}

/**
 * @returns the image with the pixels of its content that are covered in the cover's color, as a copy; without a cover the image
 * itself. A letterbox's border is not part of the content.
 */
export function covered(image: FittedImage, cover: Cover | undefined): FittedImage {
  if (!cover) return image;
  const { content, placement } = image;
  const { left, top, width } = placement.content;
  const data = Uint8Array.from(content.data);
  for (let pixel = 0; pixel < data.length / content.channels; pixel++) {
    const at = (top + Math.floor(pixel / width)) * placement.network.width + left + (pixel % width);
    if (cover.pixels[at] !== 0) data.set(cover.color, pixel * content.channels);
  }
  return { ...image, content: { ...content, data } };
}
