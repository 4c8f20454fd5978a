export {
  assertFinite,
  checkMetadata,
  listed,
  type MetadataSchema,
  namesAreApart,
  parseMetadata,
  tensorsUnder,
} from './metadata.js';
export { storedAs, type TensorStorage } from './half-precision.js';
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
export { toFloat32 } from './stored-tensor.js';
export type { StateDict, StateDictData, StateDictEntry, StateDictType } from './types.js';
