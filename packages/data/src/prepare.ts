import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import { tensor4d, type Tensor4D } from '@tensorflow/tfjs-core';
import { assertMappedBy, type IntensityRange } from './intensity.js';
import { assertCover, covered, type Cover } from './transforms/cover.js';
import {
  addBorder,
  assertColor,
  type Color,
  type Fit,
  fitPixels,
  type FittedImage,
  LETTERBOX_FILL,
  placement,
} from './transforms/placement.js';
import { resizeInSlices } from './transforms/resize-in-slices.js';

/** Size of the network's input, in pixels. */
export interface PreparedSize {
  readonly height: number;
  readonly width: number;
}

/** How an image is brought to the network's input size. */
export interface Preparation extends PreparedSize {
  /** Default `stretch`. */
  readonly fit?: Fit;
  /** Color of a letterbox's border. Default {@link LETTERBOX_FILL}. */
  readonly fill?: Color;
  /** What of the network's input is hidden under a color, in training and in use. Default: nothing. */
  readonly cover?: Cover | undefined;
  /** The range by which the 16-bit values of all images were mapped to bytes when they were decoded. Default: none. */
  readonly intensityRange?: IntensityRange | undefined;
}

/** @throws {DskdError} `invalid-argument`, `shape-mismatch` */
function assertRgbImage(pixels: PixelBuffer, { intensityRange }: Preparation): void {
  assertPixelBuffer(pixels);
  assertMappedBy(pixels, intensityRange);
  if (pixels.channels !== 3) {
    throw new DskdError(
      'shape-mismatch',
      `Got an image of ${pixels.channels} channels, wanted 3 (red, green, blue).`,
      { hint: 'Decode images with decodeImage, which always returns RGB.' },
    );
  }
}

/**
 * Brings an image to its part of the network's input, covered, without blocking the event loop for long.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export async function fitImage(pixels: PixelBuffer, preparation: Preparation): Promise<FittedImage> {
  assertRgbImage(pixels, preparation);
  const { height, width, fit = 'stretch', cover } = preparation;
  if (cover) assertCover(cover, { width, height });
  const placed = placement(pixels, { width, height }, fit);
  return covered({ content: await resizeInSlices(pixels, placed.content), placement: placed }, cover);
}

/**
 * As {@link preparePixels}, to the same bytes, but a large image blocks the event loop only in parts.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export async function preparePixelsInSlices(
  pixels: PixelBuffer,
  preparation: Preparation,
): Promise<PixelBuffer> {
  const { fill = LETTERBOX_FILL } = preparation;
  assertColor(fill);
  return addBorder(await fitImage(pixels, preparation), fill);
}

/**
 * Resizes an image to the network's input size: stretched (each side independently) or letterboxed, with antialiased
 * bilinear interpolation (the same bytes as Pillow). Training, evaluation and prediction all use this function.
 * @param pixels RGB, 3 channels.
 * @returns RGB, 3 channels, of the network's input size.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function preparePixels(pixels: PixelBuffer, preparation: Preparation): PixelBuffer {
  const { height, width, fit = 'stretch', fill = LETTERBOX_FILL, cover } = preparation;
  assertColor(fill);
  if (cover) assertCover(cover, { width, height });
  assertRgbImage(pixels, preparation);
  return addBorder(covered(fitPixels(pixels, { width, height }, fit), cover), fill);
}

/**
 * Resizes a ground-truth or ignore mask to the network's input size. The binary mask is resized and placed like the
 * image; a pixel is then set if its value is at least one half, as in RD4AD.
 * @param mask 1 channel; any value except 0 counts as set.
 * @returns `height * width` values, row-major, 1 where the mask is set, else 0; 0 in a letterbox's border.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function prepareMask(
  mask: PixelBuffer,
  { height, width, fit = 'stretch' }: PreparedSize & Pick<Preparation, 'fit'>,
): Uint8Array {
  assertPixelBuffer(mask);
  if (mask.channels !== 1) {
    throw new DskdError('shape-mismatch', `Got a mask of ${mask.channels} channels, wanted 1.`);
  }
  const binary = { ...mask, data: mask.data.map((value) => (value === 0 ? 0 : 255)) };
  const { data } = addBorder(fitPixels(binary, { width, height }, fit), [0]);
  return Uint8Array.from(data).map((value) => (value > 127.5 ? 1 : 0));
}

const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * Stacks images of the same size into a batch.
 * @param images at least one, RGB, 3 channels.
 * @returns float32 `[batch, height, width, 3]`, RGB, byte / 255. The caller disposes it.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function toImageTensor(images: readonly PixelBuffer[]): Tensor4D {
  const first = images[0];
  if (!first) throw new DskdError('invalid-argument', 'Got no images, wanted at least one.');
  const { width, height } = first;
  const length = width * height * 3;
  const values = new Float32Array(images.length * length);
  for (const [index, image] of images.entries()) {
    assertPixelBuffer(image);
    if (image.width !== width || image.height !== height || image.channels !== 3) {
      throw new DskdError(
        'shape-mismatch',
        `Image ${index} of the batch is ${image.width} x ${image.height} x ${image.channels}; ` +
          `wanted ${width} x ${height} x 3, as the first.`,
        { hint: 'Resize the images to one size with preparePixels.' },
      );
    }
    const offset = index * length;
    for (let i = 0; i < length; i++) values[offset + i] = UNIT[image.data[i]!]!;
  }
  return tensor4d(values, [images.length, height, width, 3], 'float32');
}
