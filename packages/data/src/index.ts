export { holdOut } from './hold-out.js';
export { prepareMask, preparePixels, toImageTensor, type PreparedSize } from './prepare.js';
export { PreparedPictures, type PreparedPicturesOptions } from './prepared-pictures.js';
export type { ImageSource, Sample, Split } from './samples.js';
export { formatSummary, summarise, type SummaryRow } from './summary.js';
