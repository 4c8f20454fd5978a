export { compareAurocs, type AurocComparison } from './compare-aurocs.js';
export { compareEvaluations, type ChangedVerdict, type EvaluationComparison } from './compare-evaluations.js';
export { connectedComponents } from './connected-components.js';
export {
  costWeightedThreshold,
  type CostWeightedThreshold,
  type ErrorCosts,
} from './cost-weighted-threshold.js';
export type {
  Curve,
  EvaluationResult,
  LimitedArea,
  ScoredSample,
  ScoreMetrics,
} from './evaluation-result.js';
export { bootstrapInterval, meanInterval, type BootstrapInterval } from './intervals.js';
export { auPro, auSpro, pixelAuroc, type ScoreMap } from './one-shots.js';
export { operatingPoints, type Labels } from './operating-points.js';
export { PixelMetricsAccumulator, type PixelMetrics, type PixelSample } from './pixel-metrics.js';
export { ProAccumulator, type ProResult, type ProSample } from './pro.js';
export { auroc, averagePrecision, f1Max, precisionRecallCurve, ratesAt, rocCurve } from './rank-metrics.js';
export { splitByType } from './split-by-type.js';
export { SproAccumulator, type SproRegion, type SproResult, type SproSample } from './spro.js';
export { thinCurve } from './thin-curve.js';
