export { fingerprintSamples, sourceOf } from './fingerprint.js';
export { encodeFloatTiff } from './float-tiff.js';
export { holdOut, splitBySeed, type SplitBySeedOptions } from './split-by-seed.js';
export { prepareMask, preparePixels, toImageTensor, type Preparation, type PreparedSize } from './prepare.js';
export { PreparedImages, type BatchOptions, type PreparedImagesOptions } from './prepared-images.js';
export { toRgb, type ImageDataLike, type ImageInput } from './rgb-image.js';
export {
  type DefectRegion,
  formatSummary,
  type ImageSource,
  type Origin,
  type Sample,
  type Split,
  summarize,
  type SummaryRow,
} from './samples.js';
export {
  applyAugmentation,
  assertAugmentation,
  augment,
  type Augmentation,
  type AugmentationKey,
  drawAugmentation,
  type DrawnAugmentation,
  gcadAugmentation,
} from './transforms/augmentation.js';
export {
  borderOf,
  type Color,
  type Fit,
  LETTERBOX_FILL,
  type PixelSize,
  placement,
  type Placement,
  type Point,
  type Rectangle,
} from './transforms/placement.js';
