export { TRAINING_DEFAULTS } from './defaults.js';
export type {
  Alternative,
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  BranchTensors,
  CostEstimate,
  Execution,
  Fit,
  FitInput,
  FitPlan,
  JsonObject,
  Method,
  NearestPatch,
  RestoreContext,
  RunnerFactory,
  RunnerPlan,
  SavedModel,
  ScoringDefaults,
  Size,
} from './contract.js';
export type { DskdConfig } from './dskd/model.js';
export { type BranchOptions, type DskdOptions, type DskdOptionsInput } from './dskd/options.js';
export { assertTiling, defaultOverlap, imagesPerPass, type Tiling } from './tiles/grid.js';
export { createMethod, methodNames, registerMethod } from './registry.js';
