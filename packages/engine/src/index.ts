export type { EngineFacts } from './crew.js';
export { engineOf } from './engine-of.js';
export type { Engine, EnginePredictEachOptions, EnginePredictOptions } from './engine.js';
export { plainPrediction, type PlainPrediction } from './plain-prediction.js';
