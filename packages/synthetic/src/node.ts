export { previewSheet } from './node/preview-sheet.js';
export { writeDataset, type WriteDatasetOptions } from './node/write-dataset.js';
