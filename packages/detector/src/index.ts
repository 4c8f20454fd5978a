export { readArtifact, type Artifact } from './artifact.js';
export type { BranchPlan, ObjectiveDescription } from './branches.js';
export { chooseThreshold, type ChosenThreshold, type ChooseThresholdOptions } from './choose-threshold.js';
export { combineDetectors, type CombineOptions } from './combine-detectors.js';
export {
  FORMAT_VERSION,
  type BranchDescription,
  type DetectorDescription,
  type TrainingRecord,
} from './description.js';
export { DEFAULT_FALSE_ALARM_RATE, Detector, type PredictOptions, type SaveOptions } from './detector.js';
export { estimateTraining, type EstimateOptions, type TrainingCost } from './estimate-training.js';
export { evaluateCombinations } from './evaluate-combinations.js';
export { evaluateDetector, type EvaluateOptions, type EvaluatedImage } from './evaluate-detector.js';
export type { PredictedImage, TestImageOptions } from './evaluation/predict-test-images.js';
export type { EvaluationResult, LimitedArea, ScoredSample, ScoreMetrics } from '@dskd/metrics';
export type { IgnoreMask } from './ignored-pixels.js';
export { loadDetector, loadDetectors, type LoadAllOptions, type LoadOptions } from './load-detector.js';
export { mapInImage } from './map-in-image.js';
export type { PredictEachOptions } from './predict-each.js';
export type { BranchPrediction, Prediction, ScoreMap } from './prediction.js';
export { recalibrate, type RecalibrateOptions } from './recalibrate.js';
export { paperRecipe, type Recipe } from './recipes.js';
export type { StudentStorage } from './student-storage.js';
export { backboneName, loadTeacher, namedTeacher, type Teacher, type TeacherOptions } from './teacher.js';
export { planBranches } from './plan-branches.js';
export { trainDetector } from './train-detector.js';
export { DEFAULT_BRANCHES, type BranchOptions, type TrainDetectorOptions } from './training-options.js';
