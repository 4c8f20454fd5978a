export type { EventListener } from '@dskd/base';
export type {
  BranchPrediction,
  DetectorDescription,
  ExplainedRegion,
  Lesson,
  LessonOutcome,
  Prediction,
  ScoreMap,
} from '@dskd/detector';
export { methodNames, registerMethod } from '@dskd/methods';
export {
  Detector,
  loadDetector,
  trainDetector,
  type LoadOptions,
  type PredictOptions,
  type TrainOptions,
} from './detector.js';
export type { ImageLike, ImagesLike, TrainingData } from './images.js';
