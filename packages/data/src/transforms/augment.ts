import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import type { Augmentation } from './augmentation.js';
import { adjustBrightness, adjustContrast, adjustSaturation } from './color.js';
import { drawAugmentation, type AugmentationKey, type DrawnAugmentation } from './draw-augmentation.js';
import { flipHorizontal, flipVertical } from './flip.js';
import { adjustHue } from './hue.js';
import { rotate } from './rotate.js';

/**
 * Applies what was drawn, in the order of {@link Augmentation}; each step ends in whole bytes, as a chain of
 * PIL images does.
 * @param image RGB, 3 channels; it stays as it is.
 * @returns the same size; the image itself where nothing happens to it.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function applyAugmentation(image: PixelBuffer, drawn: DrawnAugmentation): PixelBuffer {
  assertPixelBuffer(image);
  if (image.channels !== 3) {
    throw new DskdError('shape-mismatch', `Got an image of ${image.channels} channels, wanted 3 (RGB).`);
  }
  let result = image;
  if (drawn.flipHorizontal) result = flipHorizontal(result);
  if (drawn.flipVertical) result = flipVertical(result);
  if (drawn.degrees !== 0) result = rotate(result, drawn.degrees);
  if (drawn.brightness !== 1) result = adjustBrightness(result, drawn.brightness);
  if (drawn.contrast !== 1) result = adjustContrast(result, drawn.contrast);
  if (drawn.saturation !== 1) result = adjustSaturation(result, drawn.saturation);
  if (drawn.hue !== 0) result = adjustHue(result, drawn.hue);
  return result;
}

/**
 * The image as a training run sees it in one epoch: a function of image, augmentation and key alone, the
 * same bytes on every platform.
 * @param image RGB, 3 channels, at the size it is to have; it stays as it is.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function augment(image: PixelBuffer, augmentation: Augmentation, key: AugmentationKey): PixelBuffer {
  return applyAugmentation(image, drawAugmentation(augmentation, key));
}
