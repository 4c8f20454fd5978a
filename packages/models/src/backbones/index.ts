export { backboneCost, type BackboneCost } from './cost.js';
export { createBackbone, type Backbone, type BackboneOptions } from './create-backbone.js';
export { BACKBONES, backboneInfo, type BackboneInfo, type BackboneName } from './registry.js';
export {
  createTrainableBackbone,
  type TrainableBackbone,
  type TrainableBackboneOptions,
} from './create-trainable-backbone.js';
export { backboneWeightShapes } from './weight-shapes.js';
