export {
  assertFits,
  estimateMemory,
  exceededLimits,
  type MemoryEstimate,
  type MemoryPart,
  type MemoryEstimateInput,
} from './estimate-memory.js';
export type { BatchLevel, FeatureBatch, ImageFeatures } from './feature-batch.js';
export { inProcessRunner } from './in-process-runner.js';
export type { LearningRateSchedule } from './learning-rate.js';
export { measureStep } from './measure-step.js';
export type { ImageSet } from './images.js';
export { countSteps } from './schedule.js';
export type { Position, StudentRunner } from './student-runner.js';
export { restoreStudent, type AdamState, type ArrayState, type StudentState } from './student-state.js';
export type { AdamOptions, StudentTask } from './student-task.js';
export {
  trainStudents,
  type CheckpointOptions,
  type TrainingResult,
  type TrainStudentsOptions,
} from './train-students.js';
export type { TrainingState } from './training-state.js';
