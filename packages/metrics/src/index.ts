export { auroc } from './auroc.js';
export { averagePrecision } from './average-precision.js';
export { bootstrapInterval, type BootstrapInterval, type BootstrapOptions } from './bootstrap.js';
export {
  costWeightedThreshold,
  type CostWeightedThreshold,
  type ErrorCosts,
} from './cost-weighted-threshold.js';
export { precisionRecallCurve, rocCurve, type ThresholdCurve } from './curves.js';
export type {
  Curve,
  EvaluationResult,
  LimitedArea,
  ScoredSample,
  ScoreMetrics,
} from './evaluation-result.js';
export { f1Max } from './f1-max.js';
export { meanInterval, type MeanInterval } from './mean-interval.js';
export { checkScores, operatingPoints, type Labels, type OperatingPoint } from './operating-points.js';
export {
  PixelMetricsAccumulator,
  type PixelAurocResult,
  type PixelAurocSample,
  type PixelAurocState,
} from './pixel-auroc.js';
export { orderedKey, valueOfKey } from './ordered-keys.js';
export { falsePositiveRateAt, truePositiveRateAt, type ThresholdRates } from './rates.js';
export { splitByType, type TypedScores, type TypeSplit } from './split-by-type.js';
export type { BoundedValue } from './tally-metrics.js';
export { thinCurve, type Polyline } from './thin-curve.js';
export { connectedComponents, type ConnectedComponents } from './connected-components.js';
export type { ScoreMemoryOptions } from './pixel-scores.js';
export type { ScoredImage } from './overlap-image.js';
export { ProAccumulator, type ProOptions, type ProResult, type ProSample, type ProState } from './pro.js';
export { saturationAreaOf, type SaturationRule } from './saturation-area.js';
export {
  SPRO_LIMITS,
  SproAccumulator,
  type SproOptions,
  type SproRegion,
  type SproResult,
  type SproSample,
  type SproState,
  type SproSubset,
} from './spro.js';
