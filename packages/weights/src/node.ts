export { weightsPath } from './node/cache-folder.js';
export { pullWeights, type PullProgress, type PullWeightsOptions } from './node/pull-weights.js';
