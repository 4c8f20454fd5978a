import { isDskdError, prefetch, type DskdError, type PixelBuffer } from '@dskd/base';
import { decodeImage } from '@dskd/data/node';
import type { PredictEachOptions, Predictor } from '../inference/predictor.js';
import type { Prediction } from '../inference/prediction.js';

export interface FilePrediction {
  /** The path, or the bytes, as given. */
  readonly source: string | Uint8Array;
  /** The decoded image: RGB, upright. */
  readonly image: PixelBuffer;
  readonly prediction: Prediction;
}

export interface PredictFilesOptions extends PredictEachOptions {
  /** Called for an image that cannot be read, which is then passed over. Default: the error ends the call. */
  readonly onUnreadable?: (error: DskdError, source: string | Uint8Array) => void;
}

/**
 * Decodes and scores images as they come: paths, encoded bytes (a `Buffer`), or what `watchFolder` finds.
 * While one is scored, the next ones are decoded.
 * @returns in the order of the files. Leaving the loop ends `files`, too.
 * @throws {DskdError} `image-unreadable`, `file-not-found` (unless `onUnreadable` takes them),
 * `dependency-missing` and as {@link Predictor.predict}.
 */
export async function* predictFiles(
  detector: Predictor,
  files: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  { prefetch: count = 2, onUnreadable, ...options }: PredictFilesOptions = {},
): AsyncGenerator<FilePrediction, void, undefined> {
  const decode = async (
    source: string | Uint8Array,
  ): Promise<Omit<FilePrediction, 'prediction'> | undefined> => {
    try {
      return { source, image: await decodeImage(source, { intensityRange: detector.intensityRange }) };
    } catch (error) {
      const unreadable = isDskdError(error, 'image-unreadable') || isDskdError(error, 'file-not-found');
      if (!unreadable || !onUnreadable) throw error;
      onUnreadable(error, source);
      return undefined;
    }
  };
  for await (const decoded of prefetch(files, count, decode, options.signal)) {
    if (!decoded) continue;
    yield { ...decoded, prediction: await detector.predict(decoded.image, options) };
  }
}
