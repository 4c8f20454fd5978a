export { fingerprintSamples, sourceOf } from './fingerprint.js';
export { encodeFloatTiff } from './float-tiff.js';
export { holdOut } from './hold-out.js';
export { prepareMask, preparePixels, toImageTensor, type Preparation, type PreparedSize } from './prepare.js';
export { PreparedPictures, type BatchOptions, type PreparedPicturesOptions } from './prepared-pictures.js';
export { toRgb, type ImageDataLike, type PictureInput } from './rgb-picture.js';
export type { DefectRegion, ImageSource, Origin, Sample, Split } from './samples.js';
export { splitBySeed, type SplitBySeedOptions } from './split-by-seed.js';
export { formatSummary, summarise, type SummaryRow } from './summary.js';
export { applyAugmentation, augment } from './transforms/augment.js';
export { assertAugmentation, type Augmentation } from './transforms/augmentation.js';
export {
  drawAugmentation,
  type AugmentationKey,
  type DrawnAugmentation,
} from './transforms/draw-augmentation.js';
export { gcadAugmentation } from './transforms/gcad-augmentation.js';
export { LETTERBOX_FILL, type Colour } from './transforms/letterbox.js';
export {
  borderOf,
  placement,
  type Fit,
  type PixelSize,
  type Placement,
  type Point,
  type Rectangle,
} from './transforms/placement.js';
