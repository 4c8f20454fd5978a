export { CATEGORIES } from './categories.js';
export {
  generateScene,
  GENERATOR_VERSION,
  type Label,
  type Scene,
  type SceneOptions,
  type Split,
} from './generate-scene.js';
export { planDataset } from './plan-dataset.js';
export { proceduralImage } from './procedural/procedural-image.js';
