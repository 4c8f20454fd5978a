export { CATEGORIES, type CategoryInfo } from './categories.js';
export { defectsConfig, type DefectsConfigEntry } from './defects-config.js';
export {
  generateScene,
  type Label,
  type Region,
  type Scene,
  type SceneOptions,
  type Split,
} from './generate-scene.js';
export { planDataset, type PlannedImage, type PlanOptions } from './plan-dataset.js';
export { previewPixels, type PreviewOptions } from './preview/preview-pixels.js';
export type { Saturation } from './saturation.js';
export type { AnomalyInfo, AnomalyKind, Level, SaturationRule } from './scene/definition.js';
export { GENERATOR_VERSION } from './version.js';
