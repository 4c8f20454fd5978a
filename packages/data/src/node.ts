export { decodeImage, decodeMask } from './node/decode.js';
export { encodeImage } from './node/encode.js';
export { freeSpace } from './node/free-space.js';
export { listImages } from './node/listing.js';
export { writeManifest } from './node/manifest.js';
export { openSource, type OpenSourceOptions } from './node/open-source.js';
export { subsetsTemplate } from './node/subsets.js';
export { watchFolder } from './node/watch-folder.js';
export { assertWritable, writeFileAtomically } from './node/write-file.js';
