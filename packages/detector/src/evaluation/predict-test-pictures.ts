import { DskdError, throwIfAborted, type EventListener, type PixelBuffer } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import type { Detector } from '../detector.js';
import type { IgnoreMask } from '../ignored-pixels.js';
import type { Prediction } from '../prediction.js';

/** How the pictures of an evaluation are gone through. */
export interface TestPictureOptions {
  /** Pictures per pass. Does not change results. Default 8. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** A test picture, just scored. */
export interface PredictedPicture {
  readonly sample: Sample;
  /** As `sample.load()` gave it. */
  readonly picture: PixelBuffer;
  readonly prediction: Prediction;
}

/** @throws {DskdError} `dataset-invalid` if there are none. */
export function testSamplesOf(source: ImageSource): Sample[] {
  const samples = source.samples.filter(({ split }) => split === 'test');
  if (samples.length > 0) return samples;
  throw new DskdError('dataset-invalid', `${source.name} has no test pictures to evaluate on.`, {
    hint: 'An MVTec AD folder has them under test/good and test/<defect>.',
  });
}

/**
 * Scores `samples` one after another and hands each to `use`, which is awaited before it is said to be scored.
 * @throws {DskdError} `image-unreadable`, `disposed`, `aborted`; whatever `use` throws.
 */
export async function predictTestPictures(
  detector: Detector,
  samples: readonly Sample[],
  {
    batchSize = 8,
    ignored,
    onEvent,
    signal,
  }: TestPictureOptions & { readonly ignored?: IgnoreMask | undefined },
  use: (picture: PredictedPicture) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < samples.length; start += batchSize) {
    throwIfAborted(signal);
    const chunk = samples.slice(start, start + batchSize);
    const pictures = await Promise.all(chunk.map((sample) => sample.load()));
    const predictions = await detector.predict(pictures, { batchSize, ...(ignored && { ignored }) });
    for (const [place, prediction] of predictions.entries()) {
      throwIfAborted(signal);
      const sample = chunk[place]!;
      await use({ sample, picture: pictures[place]!, prediction });
      const index = start + place;
      onEvent?.({
        type: 'image-scored',
        id: sample.id,
        index,
        total: samples.length,
        score: prediction.score,
      });
    }
  }
}
