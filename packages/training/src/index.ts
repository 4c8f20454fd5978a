export type { AdamOptions } from './adam.js';
export {
  assertSameRun,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
  type RunDescription,
} from './checkpoint.js';
export {
  assertFits,
  estimateMemory,
  exceededLimits,
  type MemoryEstimate,
  type MemoryEstimateInput,
} from './estimate-memory.js';
export type { BatchLevel, FeatureBatch } from './feature-batch.js';
export { inProcessRunner } from './in-process-runner.js';
export { countSteps } from './schedule.js';
export type { StudentRunner, StudentTask } from './student-runner.js';
export type { ImageSet } from './teacher-features.js';
export {
  trainStudents,
  type CheckpointOptions,
  type TrainingResult,
  type TrainStudentsOptions,
} from './train-students.js';
export { restoreStudent, type ArrayState, type StudentState, type TrainingState } from './training-state.js';
