export { digestOfPixels, sourceOf } from './fingerprint.js';
export { encodeFloatTiff } from './float-tiff.js';
export { assertIntensityRange, rangeFor, type IntensityRange } from './intensity.js';
export {
  prepareMask,
  preparePixels,
  preparePixelsInSlices,
  toImageTensor,
  type Preparation,
} from './prepare.js';
export { PreparedImages, type BatchOptions } from './prepared-images.js';
export { toRgb, type ImageInput } from './rgb-image.js';
export {
  datasetError,
  imageProblem,
  summarize,
  type DatasetProblem,
  type DefectRegion,
  type ImageSource,
  type LoadOptions,
  type Sample,
  type Split,
} from './samples.js';
export { holdOut, splitBySeed } from './split-by-seed.js';
export {
  assertAugmentation,
  augment,
  gcadAugmentation,
  type Augmentation,
} from './transforms/augmentation.js';
export {
  placement,
  type Color,
  type Fit,
  type PixelSize,
  type Placement,
  type Rectangle,
} from './transforms/placement.js';
