import { DskdError, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { placement, type Fit, type PixelSize, type Placement } from './placement.js';

/** Red, green, blue, 0..255. */
export type Color = readonly [number, number, number];

/**
 * What a letterbox is filled with unless another color is asked for: the mean of ImageNet, which every
 * teacher's input transform brings close to zero, as the padding of its convolutions is.
 */
export const LETTERBOX_FILL: Color = [124, 116, 104];

/** An image resized to its part of the network's input, and where that part lies. */
export interface FittedImage {
  readonly content: PixelBuffer;
  readonly placement: Placement;
}

/** Resizes `pixels` to its part of the input, antialiased bilinear (Pillow's bytes). */
export function fitPixels(pixels: PixelBuffer, network: PixelSize, fit: Fit): FittedImage {
  const placed = placement(pixels, network, fit);
  return { content: resizeBilinearAntialiased(pixels, placed.content), placement: placed };
}

/** @throws {DskdError} `invalid-argument` unless `fill` is three bytes. */
export function assertColor(fill: readonly number[]): void {
  if (fill.length === 3 && fill.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return;
  throw new DskdError(
    'invalid-argument',
    `Got a fill of [${fill.join(', ')}]; wanted three whole numbers from 0 to 255 (red, green, blue).`,
    { details: { fill } },
  );
}

/**
 * Lays a fitted image into the network's input. Without a border it is the content itself.
 * @param fill one value per channel.
 */
export function addBorder(
  { content, placement: { network, content: at } }: FittedImage,
  fill: readonly number[],
): PixelBuffer {
  if (at.width === network.width && at.height === network.height) return content;
  const { channels } = content;
  const data = new Uint8Array(network.width * network.height * channels);
  for (let i = 0; i < data.length; i++) data[i] = fill[i % channels]!;
  const row = at.width * channels;
  for (let y = 0; y < at.height; y++) {
    const to = ((at.top + y) * network.width + at.left) * channels;
    data.set(content.data.subarray(y * row, (y + 1) * row), to);
  }
  return { data, width: network.width, height: network.height, channels };
}
