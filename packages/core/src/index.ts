export type { FeatureExtractor, FeatureLevel, InputTransform, Objective, Student } from './contracts.js';
export { gaussianBlur, type GaussianBlurOptions } from './gaussian-blur.js';
export { resizeBilinearAntialiased } from './resize-bilinear-antialiased.js';
export { meanOverRows, sumAll, sumOverRows } from './sums.js';
export { unitVectors } from './unit-vectors.js';
export { upsampleBilinear, type UpsampleBilinearOptions } from './upsample-bilinear.js';
