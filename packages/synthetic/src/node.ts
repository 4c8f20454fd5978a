export type { Encode } from './node/encode.js';
export { previewSheet } from './node/preview-sheet.js';
export { writeDataset, type WriteDatasetOptions, type WrittenDataset } from './node/write-dataset.js';
