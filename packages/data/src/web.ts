export { isPassedOver } from './image-format.js';
export { decodeImage } from './web/decode.js';
export { openFiles } from './web/files.js';
