export { auroc } from './auroc.js';
export { averagePrecision } from './average-precision.js';
export { bootstrapInterval, type BootstrapInterval, type BootstrapOptions } from './bootstrap.js';
export type { EvaluationResult, ScoredSample, ScoreQuality } from './evaluation-result.js';
export { f1Max } from './f1-max.js';
export { operatingPoints, type Labels, type OperatingPoint } from './operating-points.js';
export {
  PixelAurocAccumulator,
  type PixelAurocOptions,
  type PixelAurocResult,
  type PixelAurocSample,
  type PixelAurocState,
} from './pixel-auroc.js';
