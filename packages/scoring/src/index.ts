export { conformalPValue, quantileThreshold, type QuantileThreshold } from './conformal.js';
export { FUSION_RULES, fuseMaps, fuseScores, type FusionRule } from './fusion-rule.js';
export { toleranceLimit } from './false-alarm-bounds.js';
export {
  createNormalizationAccumulator,
  type BranchNormalization,
  type Normalization,
  type NormalizationAccumulator,
} from './normalization.js';
export { findRegions, type Region } from './regions.js';
export {
  defaultSigma,
  fuseLevels,
  imageScores,
  scoreBranches,
  type ScoredBranches,
} from './score-branches.js';
