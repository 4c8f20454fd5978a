import { previewPixels, type PreviewOptions } from '../preview/preview-pixels.js';
import { sharpEncoder, type Encode } from './encode.js';

/**
 * A PNG of all the types of anomaly of a category: the good scene, the same scene with the anomaly, and the
 * ground truth.
 * @param encode writes the PNG. Default: sharp.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function previewSheet(options: PreviewOptions, encode?: Encode): Promise<Uint8Array> {
  const sheet = previewPixels(options);
  return (encode ?? (await sharpEncoder()))(sheet);
}
