export { decodeImage, decodeMask } from './node/decode.js';
export { encodePng } from './node/encode.js';
export { openFolder, type OpenFolderOptions } from './node/folder.js';
export { listImages } from './node/listing.js';
export { openMvtecAd, type OpenMvtecAdOptions } from './node/mvtec-ad.js';
export { openSource, type OpenSourceOptions } from './node/open-source.js';
export type { DatasetProblem } from './node/problems.js';
export { writeFileAtomically } from './node/write-file.js';
