export { fingerprintSamples, sourceOf } from './fingerprint.js';
export { encodeFloatTiff } from './float-tiff.js';
export { holdOut } from './hold-out.js';
export { prepareMask, preparePixels, toImageTensor, type Preparation, type PreparedSize } from './prepare.js';
export { PreparedImages, type BatchOptions, type PreparedImagesOptions } from './prepared-images.js';
export { toRgb, type ImageDataLike, type ImageInput } from './rgb-image.js';
export type { DefectRegion, ImageSource, Origin, Sample, Split } from './samples.js';
export { splitBySeed, type SplitBySeedOptions } from './split-by-seed.js';
export { formatSummary, summarize, type SummaryRow } from './summary.js';
export { applyAugmentation, augment } from './transforms/augment.js';
export { assertAugmentation, type Augmentation } from './transforms/augmentation.js';
export {
  drawAugmentation,
  type AugmentationKey,
  type DrawnAugmentation,
} from './transforms/draw-augmentation.js';
export { gcadAugmentation } from './transforms/gcad-augmentation.js';
export { LETTERBOX_FILL, type Color } from './transforms/letterbox.js';
export {
  borderOf,
  placement,
  type Fit,
  type PixelSize,
  type Placement,
  type Point,
  type Rectangle,
} from './transforms/placement.js';
