export { readSafetensors, writeSafetensors, type SafetensorsFile } from './safetensors.js';
export { readStateDict, toFloat32 } from './state-dict.js';
export type { StateDict, StateDictData, StateDictEntry, StateDictType } from './types.js';
