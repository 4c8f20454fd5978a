export { sourceOf } from './fingerprint.js';
export { encodeFloatTiff } from './float-tiff.js';
export { prepareMask, preparePixels, toImageTensor, type Preparation } from './prepare.js';
export { PreparedImages, type BatchOptions, type PreparedImagesOptions } from './prepared-images.js';
export { toRgb, type ImageInput } from './rgb-image.js';
export {
  formatSummary,
  summarize,
  type DefectRegion,
  type ImageSource,
  type Sample,
  type Split,
  type SummaryRow,
} from './samples.js';
export { holdOut, splitBySeed, type SplitBySeedOptions } from './split-by-seed.js';
export {
  assertAugmentation,
  augment,
  gcadAugmentation,
  type Augmentation,
  type AugmentationKey,
} from './transforms/augmentation.js';
export {
  borderOf,
  LETTERBOX_FILL,
  placement,
  type Color,
  type Fit,
  type PixelSize,
  type Placement,
  type Point,
  type Rectangle,
} from './transforms/placement.js';
