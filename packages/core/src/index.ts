export type { FeatureExtractor, FeatureLevel, InputTransform, Objective, Student } from './contracts.js';
