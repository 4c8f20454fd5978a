export { DEFAULT_BRANCHES, DSKD_DEFAULTS, TRAINING_DEFAULTS } from './defaults.js';
export type {
  Alternative,
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  CostEstimate,
  Execution,
  Fit,
  FitInput,
  FitPlan,
  JsonObject,
  Method,
  RestoreContext,
  RunnerFactory,
  RunnerPlan,
  SavedModel,
  Size,
} from './contract.js';
export type { DskdConfig } from './dskd/model.js';
export {
  dskdOptions,
  epochsFor,
  paperOptions,
  type BranchOptions,
  type DskdOptions,
} from './dskd/options.js';
export { createMethod, methodNames, registerMethod } from './registry.js';
