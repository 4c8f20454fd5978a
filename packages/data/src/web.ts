export { decodeImage, type WebImage } from './web/decode.js';
export { openFiles, type OpenFilesOptions } from './web/files.js';
export type { DatasetProblem } from './samples.js';
