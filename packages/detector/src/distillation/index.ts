export { distillTeacher, type DistilledTeacher } from './distill-teacher.js';
export type { DistillOptions } from './distillation-options.js';
export type { Photo } from './distillation-images.js';
export type { CurvePoint, DistillationRecord, FeatureErrors } from './distillation-record.js';
export { readDistillationRecord } from './distilled-weights.js';
export { photoCrop } from './photo-crop.js';
export type { ProceduralFamily } from './procedural/families.js';
export { proceduralImage, PROCEDURAL_FAMILIES } from './procedural/procedural-image.js';
