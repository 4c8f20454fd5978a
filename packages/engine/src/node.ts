export type { EngineImage } from './node/image.js';
export { machineLimits, type MachineLimits } from './node/machine-limits.js';
export { openEngine, type EngineOptions } from './node/open-engine.js';
