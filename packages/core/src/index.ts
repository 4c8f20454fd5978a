export type { FeatureExtractor, FeatureLevel, InputTransform, Objective, Student } from './contracts.js';
export { fixedPoint } from './fixed-point.js';
export { gaussianBlur } from './gaussian-blur.js';
export { resizeBilinearAntialiased } from './resize-bilinear-antialiased.js';
export { accurateSum } from './reductions.js';
export { resizeFeatures } from './resize-features.js';
export { upsampleBilinear } from './upsample-bilinear.js';
