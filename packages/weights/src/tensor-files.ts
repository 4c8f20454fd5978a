import { storedAs } from './half-precision.js';
import { assertFinite, checkMetadata, listed, namesAreApart, tensorsUnder } from './metadata.js';
import { readSafetensorsMetadata } from './safetensors.js';

/** Helpers for file formats that store tensors and a description in a safetensors file. */
export const tensorFiles = {
  assertFinite,
  checkMetadata,
  namesAreApart,
  namesInWords: listed,
  readMetadata: readSafetensorsMetadata,
  storedAs,
  tensorsUnder,
};
