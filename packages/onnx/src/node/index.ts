export { exportDetectorFile, type ExportedFile, type ExportFileOptions } from './export-detector-file.js';
