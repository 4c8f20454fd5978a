export { gatherConstants, type ConstantsGatherer, type Normalisation } from './branch-constants.js';
export {
  conformalPValue,
  quantileThreshold,
  type QuantileThreshold,
  type QuantileThresholdOptions,
} from './conformal.js';
export {
  falseAlarmBound,
  falseAlarmConfidence,
  normalsNeeded,
  type FalseAlarmCounts,
  type NormalsNeededOptions,
} from './false-alarm-promises.js';
export { fuseBranches, normaliseMap, type BranchConstants, type ByBranch } from './fuse-branches.js';
export { fuseLevels, type FuseLevelsOptions } from './fuse-levels.js';
export { defaultSigma, imageScores, type ImageScoresOptions } from './image-scores.js';
export { costThreshold, f1Threshold, type F1Threshold } from './labelled-thresholds.js';
export { MapQuantiles } from './map-quantiles.js';
export { MapStatistics, type MapStatisticsState } from './map-statistics.js';
export { findRegions, type FindRegionsOptions, type Region } from './regions.js';
export { smoothMaps, type SmoothMapsOptions } from './smooth-maps.js';
