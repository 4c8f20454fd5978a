export type { GccbVariant, StudentArchitecture, StudentBranch, StudentPreset } from './architecture.js';
export { presetArchitecture } from './architecture.js';
export { createStudent, summarizeStudent, type TrainableStudent } from './create-student.js';
export { narrowStudent } from './narrow-student.js';
export type { StudentConfig, StudentOptions } from './student-config.js';
export type { LoadStateDictOptions } from './student-state.js';
export type { StudentSummary } from './student-summary.js';
export { teacherStage4 } from './teacher-stage.js';
