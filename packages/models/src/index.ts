export * from './adapters/index.js';
export * from './backbones/index.js';
export * from './students/index.js';
