export { readArtifact, readDescription, type Artifact } from './artifact/artifact.js';
export type { DetectorDescription, LearnedImage, Lesson, TrainingRecord } from './artifact/description.js';
export { loadDetector, type LoadOptions } from './artifact/load-detector.js';
export {
  chooseThreshold,
  type ChosenThreshold,
  type ChooseThresholdOptions,
} from './calibration/choose-threshold.js';
export { recalibrate, type RecalibrateOptions } from './calibration/recalibrate.js';
export { evaluateCombinations } from './evaluation/evaluate-combinations.js';
export {
  evaluateDetector,
  type EvaluateOptions,
  type EvaluatedImage,
} from './evaluation/evaluate-detector.js';
export type { PredictOptions } from './inference/arguments.js';
export { Detector, type SaveOptions } from './inference/detector.js';
export { Predictor, type PredictEachOptions } from './inference/predictor.js';
export { scoreTensors, type ScoredBatch, type ScoredMaps, type ScoredTensors } from './inference/score.js';
export type { ExtendOptions, LessonOutcome } from './lessons/lesson.js';
export type { ExplainedRegion, ExplainOptions, NearestNormal } from './inference/explain.js';
export type { IgnoreMask } from './inference/ignored-pixels.js';
export { mapInImage } from './inference/map-in-image.js';
export type { BranchPrediction, Prediction, ScoreMap } from './inference/prediction.js';
export { combineDetectors, type CombineOptions } from './training/combine-detectors.js';
export { estimateTraining, type EstimateOptions, type TrainingCost } from './training/estimate-training.js';
export { paperRecipe, type Recipe } from './training/recipes.js';
export { trainDetector } from './training/train-detector.js';
export type { CalibrationOptions } from './training/calibration-options.js';
export type { InputOptions, TrainDetectorOptions } from './training/training-options.js';
