export { decodeImage } from './web/decode.js';
export { openFiles } from './web/files.js';
