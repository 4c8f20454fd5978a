export { createApp, type ServerApp } from './http/app.js';
export type { AppOptions } from './http/options.js';
export type { Log } from './http/observe.js';
export { listen, type ListenOptions, type RunningServer } from './listen.js';
export { openModels, type Models, type ModelsOptions, type ModelSource } from './models/models.js';
export type { ModelEvent } from './models/served-model.js';
