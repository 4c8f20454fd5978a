export type { AdaptedModel, AdapterOptions } from './adapted-model.js';
export { fromGraphModel, type GraphModelLike, type GraphModelOptions } from './from-graph-model.js';
export { fromLayersModel, type LayersModelLike, type LayersModelOptions } from './from-layers-model.js';
export type { ModelEnd } from './model-run.js';
