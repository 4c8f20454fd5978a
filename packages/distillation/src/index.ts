export { distillTeacher, type DistilledTeacher } from './distill-teacher.js';
export type { Photo } from './images.js';
export type { DistillOptions } from './options.js';
export { proceduralImage, type ProceduralFamily } from './procedural/procedural-image.js';
export { readDistillationRecord, type DistillationRecord } from './record.js';
