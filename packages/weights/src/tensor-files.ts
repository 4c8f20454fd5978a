import { storedAs } from './half-precision.js';
import { assertFinite, checkMetadata, listed, namesAreApart, tensorsUnder } from './metadata.js';

/** For who defines a file of tensors with a description, on top of `readSafetensors` and `writeSafetensors`. */
export const tensorFiles = {
  assertFinite,
  checkMetadata,
  namesAreApart,
  namesInWords: listed,
  storedAs,
  tensorsUnder,
};
