import { DskdError, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';

/**
 * How an image is brought to the network's input size. `stretch`: both sides are resized independently, and the image
 * fills the input. `letterbox`: the aspect ratio is kept, the image is centered, and the rest is border.
 */
export type Fit = 'stretch' | 'letterbox';

const FITS: readonly Fit[] = ['stretch', 'letterbox'];

/** A size in whole pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** Continuous coordinates: pixel `i` covers `i` to `i + 1`, and its center is at `i + 0.5`. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle in whole pixels. */
export interface Rectangle extends PixelSize {
  readonly left: number;
  readonly top: number;
}

/** Position of an image in the network's input. */
export interface Placement {
  readonly fit: Fit;
  readonly image: PixelSize;
  readonly network: PixelSize;
  /** The part of the network's input that shows the image; everything outside is border. */
  readonly content: Rectangle;
  /** Maps from the image's pixels to the network's. */
  toNetwork(point: Point): Point;
  /** Maps from the network's pixels to the image's. Points in the border map to points outside the image. */
  toImage(point: Point): Point;
  /**
   * Which pixels of the network's input are border.
   * @returns `height * width` values, row-major, 1 border, 0 image; null if there is no border.
   */
  border(): Uint8Array | null;
}

function contentOf(image: PixelSize, network: PixelSize, fit: Fit): Rectangle {
  if (fit === 'stretch') return { left: 0, top: 0, width: network.width, height: network.height };
  // Compared and rounded in integers, so that the result is the same on every machine.
  const wide = image.width * network.height >= image.height * network.width;
  const fitted = (side: number, along: number, limit: number): number =>
    Math.max(1, Math.floor((2 * side * limit + along) / (2 * along)));
  const width = wide ? network.width : fitted(image.width, image.height, network.height);
  const height = wide ? fitted(image.height, image.width, network.width) : network.height;
  return {
    left: Math.floor((network.width - width) / 2),
    top: Math.floor((network.height - height) / 2),
    width,
    height,
  };
}

function borderOf({ network, content }: Pick<Placement, 'network' | 'content'>): Uint8Array | null {
  if (content.width === network.width && content.height === network.height) return null;
  const border = new Uint8Array(network.width * network.height).fill(1);
  for (let y = content.top; y < content.top + content.height; y++) {
    const start = y * network.width + content.left;
    border.fill(0, start, start + content.width);
  }
  return border;
}

/**
 * Computes the position of `image` in an input of `network` pixels. In a letterbox the longer side fills the input;
 * the other side is rounded to the nearest pixel (at least 1). If the border has an odd number of pixels, the extra
 * one is at the right or bottom.
 * @throws {DskdError} `invalid-argument` if a side is not a positive integer or the fit is unknown.
 */
export function placement(image: PixelSize, network: PixelSize, fit: Fit): Placement {
  const sides = [image.width, image.height, network.width, network.height];
  if (!sides.every((side) => Number.isInteger(side) && side > 0)) {
    throw new DskdError('invalid-argument', `Got sides of ${sides.join(', ')}; wanted positive integers.`);
  }
  if (!FITS.includes(fit)) {
    throw new DskdError('invalid-argument', `Got fit '${fit}'; wanted ${FITS.join(' or ')}.`);
  }
  const content = contentOf(image, network, fit);
  const size = { width: network.width, height: network.height };
  // Copied: `image` may have its pixels with it, which the functions below would keep in memory.
  const { width, height } = image;
  return {
    fit,
    image: { width, height },
    network: size,
    content,
    toNetwork: ({ x, y }) => ({
      x: content.left + (x * content.width) / width,
      y: content.top + (y * content.height) / height,
    }),
    toImage: ({ x, y }) => ({
      x: ((x - content.left) * width) / content.width,
      y: ((y - content.top) * height) / content.height,
    }),
    border: () => borderOf({ network: size, content }),
  };
}

/** Red, green, blue, each 0..255. */
export type Color = readonly [number, number, number];

/**
 * Default color of a letterbox's border: the mean of ImageNet. The input transform of every teacher maps it close to
 * zero, like the zero padding of its convolutions.
 */
export const LETTERBOX_FILL: Color = [124, 116, 104];

/** An image resized to its part of the network's input, and the position of that part. */
export interface FittedImage {
  readonly content: PixelBuffer;
  readonly placement: Placement;
}

/** Resizes `pixels` to its part of the input, antialiased bilinear (the same bytes as Pillow). */
export function fitPixels(pixels: PixelBuffer, network: PixelSize, fit: Fit): FittedImage {
  const placed = placement(pixels, network, fit);
  return { content: resizeBilinearAntialiased(pixels, placed.content), placement: placed };
}

/** @throws {DskdError} `invalid-argument` if `fill` is not three bytes. */
export function assertColor(fill: readonly number[]): void {
  if (fill.length === 3 && fill.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return;
  throw new DskdError(
    'invalid-argument',
    `Got a fill of [${fill.join(', ')}]; wanted three whole numbers from 0 to 255 (red, green, blue).`,
    { details: { fill } },
  );
}

/**
 * Pads a fitted image to the network's input size. Without a border the content is returned itself.
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
