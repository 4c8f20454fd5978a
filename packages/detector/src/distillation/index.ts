export { distilTeacher, type DistilledTeacher } from './distil-teacher.js';
export type { DistilOptions } from './distillation-options.js';
export type { Photo } from './distillation-pictures.js';
export type { CurvePoint, DistillationRecord, FeatureErrors } from './distillation-record.js';
export { readDistillationRecord } from './distilled-weights.js';
export { photoCrop } from './photo-crop.js';
export type { ProceduralFamily } from './procedural/families.js';
export { proceduralPicture, PROCEDURAL_FAMILIES } from './procedural/procedural-picture.js';
