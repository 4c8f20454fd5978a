export type { FeatureExtractor, FeatureLevel, InputTransform, Objective, Student } from './contracts.js';
export { meanOverRows, sumAll, sumOverRows } from './sums.js';
export { unitVectors } from './unit-vectors.js';
