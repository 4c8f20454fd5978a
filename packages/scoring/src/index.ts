export { conformalPValue, quantileThreshold, type QuantileThreshold } from './conformal.js';
export { f1Threshold, type F1Threshold, type F1ThresholdOptions } from './f1-threshold.js';
export { fuseBranches, normaliseMap, type BranchConstants, type ByBranch } from './fuse-branches.js';
export { fuseLevels, type FuseLevelsOptions } from './fuse-levels.js';
export { defaultSigma, imageScores, type ImageScoresOptions } from './image-scores.js';
export { MapStatistics, type MapStatisticsState } from './map-statistics.js';
export { findRegions, type FindRegionsOptions, type Region } from './regions.js';
export { smoothMaps, type SmoothMapsOptions } from './smooth-maps.js';
