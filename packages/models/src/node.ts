export { readTfjsModel, type TfjsModelFiles } from './node/read-tfjs-model.js';
