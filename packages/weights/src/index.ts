export type { TensorStorage } from './half-precision.js';
export type { MetadataSchema } from './metadata.js';
export { findWeights, WEIGHTS, type WeightsEntry } from './registry/index.js';
export { readSafetensors, writeSafetensors } from './safetensors.js';
export { readStateDict, type ReadStateDictOptions } from './state-dict.js';
export { toFloat32 } from './stored-tensor.js';
export { tensorFiles } from './tensor-files.js';
export type { StateDict, StateDictEntry } from './types.js';
