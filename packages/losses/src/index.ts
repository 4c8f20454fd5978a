export {
  contextualAffinityLoss,
  contextualAffinityMap,
  type ContextualAffinityOptions,
} from './contextual-affinity.js';
export { covarianceAffinityLoss, covarianceAffinityMap } from './covariance-affinity.js';
export { cosineDistanceMap, flattenedCosineLoss, perPixelCosineLoss } from './cosine.js';
export { createObjective, registerObjective, type ObjectiveDescription } from './objectives.js';
export { unitVectors } from './rows.js';
