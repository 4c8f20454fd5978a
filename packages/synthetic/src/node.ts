export { previewSheet, type PreviewOptions } from './node/preview-sheet.js';
export { writeDataset, type WriteDatasetOptions } from './node/write-dataset.js';
