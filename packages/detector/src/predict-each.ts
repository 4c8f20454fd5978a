import { DskdError } from '@dskd/base';
import type { PictureInput } from '@dskd/data';
import type { Detector, PredictOptions } from './detector.js';
import { lookAhead } from './look-ahead.js';
import type { Prediction } from './prediction.js';

export interface PredictEachOptions extends Omit<PredictOptions, 'batchSize'> {
  /** How many pictures are asked for while one is scored. Default 2. */
  readonly lookAhead?: number;
}

/** @throws {DskdError} `invalid-argument` */
export function checkLookAhead(count: number): number {
  if (!Number.isInteger(count) || count < 0) {
    throw new DskdError('invalid-argument', `Got look-ahead ${count}, wanted 0 or a positive integer.`);
  }
  return count;
}

/** See {@link Detector.predictEach}. */
export async function* predictEach(
  detector: Detector,
  pictures: AsyncIterable<PictureInput> | Iterable<PictureInput>,
  { lookAhead: count = 2, ...options }: PredictEachOptions,
): AsyncGenerator<Prediction, void, undefined> {
  const ahead = lookAhead(
    pictures,
    checkLookAhead(count),
    (picture) => Promise.resolve(picture),
    options.signal,
  );
  for await (const picture of ahead) {
    const [prediction] = await detector.predict(picture, options);
    yield prediction!;
  }
}
