export { comparePredictors, type Comparison } from './compare-predictors.js';
export { exportDetector, type ExportOptions } from './export-detector.js';
export type { ExternalData } from './external-data.js';
export { readExported, type ExportedDetector } from './metadata.js';
export { readPorts, type ExportedPort } from './ports.js';
