export {
  gatherNormalization,
  type NormalizationGatherer,
  type Normalization,
} from './branch-normalization.js';
export {
  conformalPValue,
  quantileThreshold,
  type QuantileThreshold,
  type QuantileThresholdOptions,
} from './conformal.js';
export {
  falseAlarmBound,
  falseAlarmConfidence,
  requiredCalibrationSize,
  type FalseAlarmCounts,
  type NormalsNeededOptions,
} from './false-alarm-bounds.js';
export { fuseBranches, normalizeMap, type BranchNormalization, type ByBranch } from './fuse-branches.js';
export { fuseLevels, type FuseLevelsOptions } from './fuse-levels.js';
export { defaultSigma, imageScores, type ImageScoresOptions } from './image-scores.js';
export { costThreshold, f1Threshold, type F1Threshold } from './labeled-thresholds.js';
export { MapQuantiles } from './map-quantiles.js';
export { MapStatistics, type MapStatisticsState } from './map-statistics.js';
export { findRegions, type FindRegionsOptions, type Region } from './regions.js';
export { smoothMaps, type SmoothMapsOptions } from './smooth-maps.js';
