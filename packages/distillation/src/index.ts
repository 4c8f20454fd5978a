export { distillTeacher } from './distill-teacher.js';
export type { Photo } from './images.js';
export type { DistillOptions } from './options.js';
export { readDistillationRecord } from './record.js';
