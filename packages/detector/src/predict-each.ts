import { DskdError } from '@dskd/base';
import type { ImageInput } from '@dskd/data';
import type { Detector, PredictOptions } from './detector.js';
import { prefetch } from './prefetch.js';
import type { Prediction } from './prediction.js';

export interface PredictEachOptions extends Omit<PredictOptions, 'batchSize'> {
  /** How many images are asked for while one is scored. Default 2. */
  readonly prefetch?: number;
}

/** @throws {DskdError} `invalid-argument` */
export function checkPrefetch(count: number): number {
  if (!Number.isInteger(count) || count < 0) {
    throw new DskdError('invalid-argument', `Got prefetch ${count}, wanted 0 or a positive integer.`);
  }
  return count;
}

/** See {@link Detector.predictEach}. */
export async function* predictEach(
  detector: Detector,
  images: AsyncIterable<ImageInput> | Iterable<ImageInput>,
  { prefetch: count = 2, ...options }: PredictEachOptions,
): AsyncGenerator<Prediction, void, undefined> {
  const ahead = prefetch(images, checkPrefetch(count), (image) => Promise.resolve(image), options.signal);
  for await (const image of ahead) {
    const [prediction] = await detector.predict(image, options);
    yield prediction!;
  }
}
