export { fromTfjsModel } from './adapters/from-tfjs-model.js';
export { createBackbone, type Backbone, type BackboneOptions } from './backbones/create-backbone.js';
export { createTrainableBackbone, type TrainableBackbone } from './backbones/create-trainable-backbone.js';
export { backboneInfo, type BackboneInfo } from './backbones/backbone-info.js';
export { BACKBONES, type BackboneName } from './backbones/registry.js';
export {
  createImageStudent,
  summarizeImageStudent,
  type ImageStudent,
  type ImageStudentOptions,
} from './image-students/image-student.js';
export { createStudent, summarizeStudent, type TrainableStudent } from './students/create-student.js';
export {
  type GccbVariant,
  type StudentArchitecture,
  type StudentBranch,
  type StudentOptions,
  type StudentPreset,
} from './students/student-config.js';
export { teacherStage4 } from './students/teacher-stage.js';
export { loadTeacher, namedTeacher, type Teacher, type TeacherOptions } from './teacher.js';
