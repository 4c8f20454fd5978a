export { assertFinite, listed } from './finite-tensors.js';
export { storedAs, type TensorStorage } from './half-precision.js';
export {
  checkMetadata,
  namesAreApart,
  parseMetadata,
  tensorsUnder,
  type MetadataSchema,
} from './metadata.js';
export {
  findWeights,
  WEIGHTS,
  type DownloadSource,
  type RecommendedPreparation,
  type WeightsEntry,
  type WeightsInputTransform,
  type WeightsLicense,
} from './registry/index.js';
export { readSafetensors, writeSafetensors, type SafetensorsFile } from './safetensors.js';
export { readStateDict, type ReadStateDictOptions } from './state-dict.js';
export { toFloat32 } from './to-float32.js';
export type { StateDict, StateDictData, StateDictEntry, StateDictType } from './types.js';
